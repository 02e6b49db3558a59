"""Layers from TOML files: places, includes, profiles, relative paths, and everything that can be wrong."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ptyconf import ConfigError
from ptyconf.sources import environment, toml
from ptyconf.text.files import TextError, read_file

Jail = Callable[..., Path]


def told(run: Callable[[], Any]) -> str:
    """Give the full text of what is wrong."""
    with pytest.raises(ConfigError) as caught:
        run()
    return str(caught.value)


def test_origins_name_file_line_and_column(jail: Jail, program: SimpleNamespace) -> None:
    """Paths are relative to the working directory, columns count characters, a BOM is none."""
    path = jail("run.toml", '\ufeff# ä\r\n[training]\r\n  nepochs = 5\r\nweights."é" = 1.0\r\n')
    resolution = program.resolve(*toml.load(path))
    origin = resolution.trace("training.nepochs").winner.origin
    assert str(origin) == "run.toml:3:3 training.nepochs"
    assert (origin.line, origin.column, origin.value_line, origin.value_column) == (3, 3, 3, 13)
    assert str(resolution.trace("training.weights").winner.origin) == "run.toml:4:1 training.weights"


def test_text_is_pinned_at_load(jail: Jail, program: SimpleNamespace) -> None:
    """A later edit of the file cannot make a report lie."""
    path = jail("run.toml", "\n\ntraining.nepochs = 5\n")
    resolution = program.resolve(*toml.load(path))
    path.write_text("training.nepochs = 6\n")
    assert str(resolution.trace("training.nepochs").winner.origin) == "run.toml:3:1 training.nepochs"
    assert resolution.value("training.nepochs") == 5


def test_places_are_found_only_when_asked(jail: Jail, program: SimpleNamespace) -> None:
    """Resolving and building scan no text for places."""
    layers = toml.load(jail("run.toml", "training.nepochs = 5\n"))
    document = layers[0].origins.args[0]  # type: ignore[attr-defined]
    resolution = program.resolve(*layers)
    resolution.build(program.TrainingConfig)
    assert document._places is None
    resolution.trace("training.nepochs")
    assert document._places is not None


def test_the_place_of_an_include_is_found_when_asked(jail: Jail, program: SimpleNamespace) -> None:
    """Loading and resolving look up no place; a trace of what was included looks up that of the include."""
    jail("base.toml", "training.nepochs = 5\n")
    layers = toml.load(jail("run.toml", 'include = "base.toml"\n'))
    including = layers[0].origins.args[0]  # type: ignore[attr-defined]
    resolution = program.resolve(*layers)
    assert including._places is None
    assert str(resolution.trace("training.nepochs").winner.origin).endswith("included from run.toml:1:1")
    assert including._places is not None


def test_a_place_is_seen_from_where_the_program_stands(
    jail: Jail, program: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same origin names its file anew after a change of the working directory."""
    origin = (
        program.resolve(*toml.load(jail("sub/run.toml", "training.nepochs = 5\n")))
        .trace("training.nepochs")
        .winner.origin
    )
    assert str(origin).startswith("sub/run.toml:1:1")
    monkeypatch.chdir(jail("sub/run.toml", "training.nepochs = 5\n").parent)
    assert str(origin).startswith("run.toml:1:1")


def test_relative_paths_resolve_against_their_file(jail: Jail, program: SimpleNamespace) -> None:
    """In a file against its folder, in the environment against the working directory."""
    path = jail("deep/run.toml", 'training.data_file = "scan.npz"\n')
    assert program.resolve(*toml.load(path)).value("training.data_file") == jail() / "deep/scan.npz"
    relative = toml.load(Path("deep/run.toml"))
    assert program.resolve(*relative).value("training.data_file") == jail() / "deep/scan.npz"
    shell = environment.layer("DEMO", {"DEMO__TRAINING__DATA_FILE": "scan.npz"})
    assert program.resolve(shell).value("training.data_file") == Path("scan.npz")
    absolute = toml.parse('training.data_file = "/d/scan.npz"\n')
    assert program.resolve(*absolute).value("training.data_file") == Path("/d/scan.npz")


def test_leading_dots_leave_the_folder_really_meant(jail: Jail, program: SimpleNamespace) -> None:
    """``..`` is taken away, from the target of a linked folder; dots further in may follow links and stay."""

    def found(file: str, written: str) -> Path:
        (jail() / file).write_text(f"training.data_file = '{written}'\n")
        return program.resolve(*toml.load(file)).value("training.data_file")

    jail("examples/deep/x")
    jail("elsewhere/there/x")
    (jail() / "link").symlink_to(jail() / "elsewhere/there")
    assert found("examples/run.toml", "../outputs/x") == jail() / "outputs/x"
    assert found("examples/deep/run.toml", "../../outputs/x") == jail() / "outputs/x"
    assert found("link/run.toml", "../x") == jail() / "elsewhere/x"
    assert found("examples/../run.toml", "../x") == jail().parent / "x"
    assert str(found("run.toml", "link/../x")) == str(jail() / "link/../x")
    assert found("run.toml", "..") == jail().parent


def test_included_files_are_parents(jail: Jail, program: SimpleNamespace) -> None:
    """It stands below its includer, a later include above an earlier one; the trace names the include."""
    jail("a.toml", "training.nepochs = 1\nmodel.gridsize = 1\nmodel.n_filters_scale = 3\n")
    jail("sub/b.toml", 'include = "../c.toml"\nmodel.gridsize = 2\ntraining.data_file = "x.npz"\n')
    jail("c.toml", "model.gridsize = 3\ntraining.batch_size = 8\n")
    path = jail("run.toml", 'include = ["a.toml", "sub/b.toml"]\n[training]\nnepochs = 9\n')
    resolution = program.resolve(*toml.load(path))
    assert resolution.value("training.nepochs") == 9
    assert resolution.value("model.n_filters_scale") == 3
    assert resolution.value("training.data_file") == jail() / "sub/x.npz"
    trace = resolution.trace("model.gridsize")
    assert [(each.layer, str(each.origin)) for each in (trace.winner, *trace.losers)][:3] == [
        ("included", "sub/b.toml:2:1 model.gridsize, included from run.toml:1:22"),
        ("included", "c.toml:1:1 model.gridsize, included from sub/b.toml:1:1"),
        ("included", "a.toml:2:1 model.gridsize, included from run.toml:1:12"),
    ]


def test_profile_is_a_layer_above_its_file(jail: Jail, program: SimpleNamespace) -> None:
    """[profile.NAME] counts only when asked for, and may stand in an included file."""
    jail("base.toml", "[profile.fast.training]\nnepochs = 1\nbatch_size = 4\n")
    path = jail(
        "run.toml", 'include = ["base.toml"]\ntraining.nepochs = 9\n[profile.fast]\ntraining.nepochs = 2\n'
    )
    assert program.resolve(*toml.load(path)).value("training.nepochs") == 9
    resolution = program.resolve(*toml.load(path, profile="fast"))
    trace = resolution.trace("training.nepochs")
    assert [(each.layer, str(each.origin)) for each in (trace.winner, *trace.losers)][:3] == [
        ("profile", "run.toml:4:1 profile.fast.training.nepochs"),
        ("profile", "base.toml:2:1 profile.fast.training.nepochs, included from run.toml:1:12"),
        ("file", "run.toml:2:1 training.nepochs"),
    ]
    assert resolution.value("training.batch_size") == 4


def test_missing_profile_names_those_there(jail: Jail, program: SimpleNamespace) -> None:
    """The profile asked for has to exist somewhere."""
    path = jail("run.toml", "[profile.fast]\n[profile.slow]\n")
    assert told(lambda: program.resolve(*toml.load(path, profile="fats"))) == (
        "there is no profile 'fats'\n"
        "  written in  run.toml\n"
        "  known here  fast, slow\n"
        "  try         profile fast"
    )


def test_unset_puts_none(jail: Jail, program: SimpleNamespace) -> None:
    """TOML has no null; a top-level list of paths stands for it."""
    path = jail("run.toml", 'unset = ["training.data_file"]\n')
    trace = program.resolve(*toml.load(path)).trace("training.data_file")
    assert (trace.value, trace.winner.layer, trace.winner.origin.line) == (None, "file", 1)
    assert told(lambda: program.resolve(*toml.load(jail("bad.toml", 'unset = ["training.nepochs"]\n')))) == (
        "'training.nepochs' is none; expected a whole number\n"
        "  written in  bad.toml:1:10\n"
        "  overrides   DataConfig.epochs (50)\n"
        "  try         nepochs = 50"
    )


def test_several_files_stand_in_order(jail: Jail, program: SimpleNamespace) -> None:
    """A later file stands above those before it."""
    paths = [jail("a.toml", "training.nepochs = 1\n"), jail("b.toml", "training.nepochs = 2\n")]
    assert program.resolve(*toml.load_all(paths)).value("training.nepochs") == 2
    assert program.resolve(*toml.load_all(paths[::-1])).value("training.nepochs") == 1


def test_quoted_key_with_a_dot_is_not_a_path(jail: Jail, program: SimpleNamespace) -> None:
    """In a file, only bare dots separate levels."""
    path = jail("run.toml", '"training.nepochs" = 3\n')
    assert told(lambda: program.resolve(*toml.load(path))) == (
        "unknown setting '\"training.nepochs\"'\n"
        "  written in  run.toml:1:1\n"
        "  known here  model, training, data, execution\n"
        "  try         training.nepochs = 3"
    )


def test_syntax_error_has_a_place_and_a_caret(jail: Jail, program: SimpleNamespace) -> None:
    """File, line, column in characters, and the line itself."""
    path = jail("run.toml", '[training]\nweights = {"ä" = 1 2}\n')
    assert told(lambda: program.resolve(*toml.load(path))) == (
        "run.toml is not TOML: string values must be quoted, expected literal string\n"
        '  | weights = {"ä" = 1 2}\n'
        "  |                  ^\n"
        "  written in  run.toml:2:18"
    )


def test_syntax_error_hides_values_of_secrets(jail: Jail, program: SimpleNamespace) -> None:
    """The line of a secret is shown without its value."""
    path = jail("run.toml", '[training]\ntoken = "canary" x\n')
    text = told(lambda: program.resolve(*toml.load(path)))
    assert "canary" not in text
    assert text.endswith("\n  written in  run.toml:2:18")
    path = jail("run.toml", '[training]\ntoken = """\ncanary""" x\n')
    assert "canary" not in told(lambda: program.resolve(*toml.load(path)))


def test_problems_come_together_in_file_order(jail: Jail, program: SimpleNamespace) -> None:
    """Every problem of one resolve, as the file runs."""
    path = jail(
        "run.toml",
        "training.nope = 1\nmodel.gridsize = 'x'\ntraining.batch_size = 3\ntraining.nepochs = 'y'\n",
    )
    with pytest.raises(ConfigError) as caught:
        program.resolve(*toml.load(path))
    assert [each.origin.line for each in caught.value.exceptions] == [1, 2, 3, 4]


def test_missing_include_is_told_with_its_place(jail: Jail, program: SimpleNamespace) -> None:
    """The include that names the file, not the file that is not there."""
    path = jail("run.toml", '\ninclude = ["no.toml"]\n')
    assert told(lambda: program.resolve(*toml.load(path))) == (
        f'the file "{jail()}/no.toml" does not exist\n  written in  run.toml:2:12'
    )
    assert told(lambda: program.resolve(*toml.load("gone.toml"))) == 'the file "gone.toml" does not exist'


def test_circle_of_includes_is_told(jail: Jail, program: SimpleNamespace) -> None:
    """The include that closes the circle is named; a link to the same file counts as the file."""
    jail("b.toml", 'include = ["link.toml"]\n')
    path = jail("a.toml", 'include = ["b.toml"]\n')
    (jail() / "link.toml").symlink_to(path)
    assert told(lambda: program.resolve(*toml.load(path))) == (
        f'the include "{jail()}/link.toml" goes round in a circle\n'
        "  written in  b.toml:1:12, included from a.toml:1:12"
    )


def test_wrong_kinds_of_file_keys_are_told(jail: Jail, program: SimpleNamespace) -> None:
    """include, unset and profile have their own types."""
    path = jail("run.toml", "include = 3\nunset = [1]\nprofile = 2\n")
    assert told(lambda: program.resolve(*toml.load(path))) == (
        "'include' is 3; expected a list of texts\n  written in  run.toml:1:1\n\n"
        "'unset' is [1]; expected a list of texts\n  written in  run.toml:2:1\n\n"
        "'profile' is 2; expected a table of profiles\n  written in  run.toml:3:1"
    )


def test_read_gives_the_plain_dict(jail: Jail) -> None:
    """As it stands, without includes; errors have their place."""
    assert toml.read(jail("a.toml", 'include = ["x"]\n[t]\nv = 1\n')) == {"include": ["x"], "t": {"v": 1}}
    assert told(lambda: toml.read(jail("b.toml", "a = \n"))).startswith(
        "b.toml is not TOML: string values must"
    )
    with pytest.raises(FileNotFoundError):
        toml.read("gone.toml")


def test_an_include_echoes_nothing_that_is_no_toml(jail: Jail) -> None:
    """The place of the fault is named, and not a letter of the file, which may be anything."""
    jail("secret", "root:x:0:0:hunter2\n")
    [below] = [layer for layer in toml.load(jail("run.toml", 'include = "secret"\n')) if layer.faults]
    [fault] = below.faults
    assert "secret is not TOML" in fault.text
    assert str(fault.origin) == "secret:1:19, included from run.toml:1:1"
    assert fault.snippet == ""


HOSTILE: dict[str, tuple[bytes, str]] = {
    "arrays": (b"a = " + b"[" * 10_000 + b"]" * 10_000, "is nested more than 100 deep"),
    "open arrays": (b"a = " + b"[" * 200_000, "is nested more than 100 deep"),
    "tables": (b"a = " + b"{b = " * 10_000 + b"1" + b"}" * 10_000, "is nested more than 100 deep"),
    "dotted key": (b".".join([b"a"] * 10_000) + b" = 1", "is nested more than 100 deep"),
    "dotted header": (b"[" + b" . ".join([b"a"] * 10_000) + b"]", "is nested more than 100 deep"),
    "quoted dotted key": (b".".join([b'"a"'] * 10_000) + b" = 1", "is nested more than 100 deep"),
    "large": (b"# " + b"x" * 50_000_000, "has 50000002 bytes; at most 2000000 are read"),
    "latin-1": (b"a = 1\nb = '\xe4'", "is not UTF-8: byte 0xe4"),
    "NUL": (b"a = '\0'", "holds a NUL character"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_at_once(jail: Jail, program: SimpleNamespace, name: str) -> None:
    """An error within a second, also in a thread with its small stack; never a crash."""
    raw, reason = HOSTILE[name]
    path = jail("bad.toml", raw)
    found: list[str] = []
    start = time.perf_counter()
    thread = threading.Thread(target=lambda: found.append(told(lambda: program.resolve(*toml.load(path)))))
    thread.start()
    thread.join()
    assert time.perf_counter() - start < 1.0
    assert found[0].splitlines()[0] == f"bad.toml {reason}"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("\n".join(f"key_{number} = {number}" for number in range(100_000)), 1001),
        (f"{'k' * 1_000_000} = 1", 1),
        (f'"{"é" * 400_000}" = 1', 1),
    ],
)
def test_many_or_huge_unknown_keys_are_told_shortly(
    jail: Jail, program: SimpleNamespace, text: str, count: int
) -> None:
    """At once, with bounded text and a count of the rest."""
    path = jail("bad.toml", text)
    with pytest.raises(ConfigError) as caught:
        program.resolve(*toml.load(path))
    assert len(caught.value.exceptions) == count
    assert len(str(caught.value)) < 20_000
    if count > 1:
        last = caught.value.exceptions[-1]
        assert str(last) == "99000 more unknown settings from here on\n  written in  bad.toml:1001:1"
        assert str(caught.value).endswith("\n\n... and 99950 more")


def test_no_file_is_waited_for(jail: Jail, program: SimpleNamespace) -> None:
    """A FIFO, a folder and a loop of links are refused, not read."""
    os.mkfifo(jail() / "fifo")
    (jail() / "loop").symlink_to(jail() / "loop")
    assert (
        told(lambda: program.resolve(*toml.load("fifo"))) == "fifo is not a regular file\n  written in  fifo"
    )
    assert told(lambda: program.resolve(*toml.load(jail()))) == ". is not a regular file\n  written in  ."
    assert told(lambda: program.resolve(*toml.load("loop"))) == (
        'the file "loop" cannot be read: Too many levels of symbolic links'
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no file of unknown size here")
def test_size_that_is_told_is_not_trusted() -> None:
    """A file that grows, or tells no size, is read to its end or to the limit."""
    assert len(read_file("/proc/self/status")) > 100
    with pytest.raises(TextError, match=r"^has more than 10 bytes$"):
        read_file("/proc/self/status", max_bytes=10)


def test_deep_but_legal_documents_are_read(jail: Jail, program: SimpleNamespace) -> None:
    """Brackets and dots in strings, comments and numbers do not count as depth."""
    text = (
        "x = '"
        + "[" * 500
        + "'\n# "
        + "{" * 500
        + '\ny = "'
        + "a." * 500
        + '"\nz = ['
        + "1.5, " * 500
        + "]\n"
    )
    assert toml.read(jail("ok.toml", text))["z"][0] == 1.5
    deep = "[" * 90 + "]" * 90
    assert toml.read(jail("deep.toml", f"a = {deep}\n"))

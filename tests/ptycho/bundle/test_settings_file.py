"""A setting of a finished run changes in one place, and the rest of its file stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptycho.bundle.settings_file import change_provenance, change_settings, move_paths
from ptycho.run.resolve import resolve_run
from ptyconf import Origin
from ptyconf.report import dump_toml, to_json

WRITTEN = """\
unset = [
    "data.mask",
]

[model]
N = 64  # file: run.toml:2:1 model.N

[training]
train_data_file = "../# scan.npz"  # file: run.toml:5:1
output_dir = "."  # flags: --output_dir
backend = "pytorch"  # file: run.toml:6:1
"""


def test_one_line_changes() -> None:
    """The value and the reason beside it are new, every other character is not."""
    amended = change_settings(WRITTEN, {"training.backend": "tensorflow"}, "conversion: by hand")
    assert amended == WRITTEN.replace(
        'backend = "pytorch"  # file: run.toml:6:1', 'backend = "tensorflow"  # conversion: by hand'
    )


def test_what_is_so_already_stays() -> None:
    """A change to the value that is there changes nothing, its reason neither."""
    assert change_settings(WRITTEN, {"training.backend": "pytorch"}, "conversion") == WRITTEN


def test_a_dump_of_any_run_can_be_amended(tmp_path: Path) -> None:
    """What a run writes is what change_settings reads, and it resolves to the new value."""
    resolution = resolve_run("train", overrides={"training.backend": "pytorch", "n_groups": 8})
    path = tmp_path / "settings.toml"
    changes = {"training.backend": "tensorflow", "inference.backend": "pytorch", "model.N": 128}
    path.write_text(change_settings(dump_toml(resolution, folder=tmp_path), changes, "by hand"))
    again = resolve_run("train", files=[path])
    for name in resolution:
        now, then = again[name], changes.get(name, resolution[name])
        assert now == (Path.cwd() / then if isinstance(then, Path) else then), name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[training]\nbackend   = "pytorch"\n',
            "training.backend cannot be changed in these settings",
        ),
        ('training.backend = "pytorch"\n', "training.backend cannot be changed in these settings"),
        ("[model]\nN = 64\n", "training.backend cannot be changed in these settings"),
        (
            'x = """\n[training]\nbackend = 5\n"""\n[training]\nbackend = "pytorch"\n',
            "training.backend cannot be changed in these settings",
        ),
        ("[training\n", "is not TOML: unclosed table, expected `]`"),
        ("a." * 10**5 + "b = 1\n", "is nested more than 100 deep"),
    ],
)
def test_text_of_another_hand_is_refused(text: str, said: str) -> None:
    """A file that no run wrote is refused, not changed by half."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  The whole text is compared.
        change_settings(text, {"training.backend": "tensorflow"}, "")
    assert str(caught.value) == said


def test_paths_move_with_their_file(tmp_path: Path) -> None:
    """From another folder the same files are meant; the folder itself is the new folder, comments stay."""
    moved = move_paths(WRITTEN, tmp_path / "runs" / "a", tmp_path / "far" / "away" / "b")
    assert moved == WRITTEN.replace('"../# scan.npz"', '"../../../runs/# scan.npz"')
    assert move_paths(WRITTEN, tmp_path / "a", tmp_path / "b") == WRITTEN


def test_absolute_paths_stay(tmp_path: Path) -> None:
    """A path that names its root means the same from everywhere."""
    text = '[training]\ntrain_data_file = "/data/scan.npz"\n'
    assert move_paths(text, tmp_path / "a", tmp_path / "b" / "c") == text


def test_the_story_gains_a_layer() -> None:
    """The former winner is the first loser, with its value and its place."""
    told = to_json(resolve_run("train", overrides={"training.backend": "pytorch"}))
    origin = Origin("conversion", "ptycho convert", "ptycho convert --to tensorflow")
    amended = change_provenance(told, {"training.backend": "tensorflow"}, origin)
    before = {entry["path"]: entry for entry in told["settings"]}
    after = {entry["path"]: entry for entry in amended["settings"]}
    changed = [path for path in before if before[path] != after[path]]
    assert changed == ["training.backend"]
    entry = after["training.backend"]
    assert entry["value"] == "tensorflow"
    assert entry["winner"] == {"layer": "conversion", "origin": origin.as_dict()}
    layers = [(loser["layer"], loser["value"]) for loser in entry["losers"]]
    assert layers == [("overrides", "pytorch"), ("tensorflow-defaults", "tensorflow")]

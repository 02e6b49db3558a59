"""A text that came before is not parsed again, and nobody can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ptyconf.sources import file
from ptyconf.sources.formats import FORMATS


def values_of(path: Path, **options: Any) -> list[Any]:
    """Read a file; give the values of its layers."""
    return [dict(layer.values) for layer in file.load(path, **options)]


def test_a_text_is_parsed_once(tmp_path: Path) -> None:
    """Whatever file it stands in, and read whenever; the text and the names in it are held once."""
    texts: list[str] = []
    toml = FORMATS["toml"]

    def parse(text: str) -> dict[str, Any]:
        texts.append(text)
        return toml.parse(text)

    FORMATS.add("counting", toml._replace(name="counting", suffixes=(".counting",), parse=parse))
    for name in ("a.toml", "b.toml", "a.toml"):
        (tmp_path / name).write_text("x = 1\ny = ['a']\nunset = ['z']\n")
        (layer,) = file.load(tmp_path / name, kind="counting")
        assert (layer.values, layer.unset) == ({"x": 1, "y": ["a"]}, (("z", ("unset", 0)),))
        assert layer.origins(("x",)).file == str(tmp_path / name)
    FORMATS.remove("counting")
    assert len(texts) == 1


def test_a_changed_file_is_another_text(tmp_path: Path) -> None:
    """However soon after the last reading, and of the same length."""
    path = tmp_path / "a.toml"
    for number in range(4):
        path.write_text(f"x = {number}\n")
        assert values_of(path) == [{"x": number}]


def test_layers_of_one_text_share_no_list(tmp_path: Path) -> None:
    """What is done to the values of one layer is not seen in the next."""
    path = tmp_path / "a.toml"
    path.write_text("x = [1, [2]]\ny = [{ z = 3 }]\n")
    for _ in range(3):
        (values,) = values_of(path)
        assert values == {"x": [1, [2]], "y": [{"z": 3}]}
        values["x"][1].append(5)
        values["y"][0]["z"] = 6


def test_what_is_wrong_is_told_every_time(tmp_path: Path) -> None:
    """An entry of the wrong kind, a text that cannot be parsed, a table that is not there."""
    path = tmp_path / "a.toml"
    for text, told in (
        ("unset = 3\n", "'unset' is 3; expected a list of texts"),
        ("x = \n", "is not TOML: string values must be quoted, expected literal string"),
    ):
        path.write_text(text)
        for _ in range(2):
            (problem,) = file.load(path)[0].problems
            assert problem.endswith(told)
    path.write_text("x = 1\n")
    assert values_of(path) == values_of(path)
    assert file.load(path, table="tool.app", missing="skip")[0].problems == ()
    assert len(file.load(path, table="tool.app")[0].problems) == 1


def test_profiles_are_read_every_time(tmp_path: Path) -> None:
    """The layer of a profile stands above that of its file, also in a text that came before."""
    path = tmp_path / "a.toml"
    path.write_text("x = 1\n[profile.fast]\nx = 2\n")
    for profile, expected in (
        ("fast", [{"x": 2}, {"x": 1}]),
        (None, [{"x": 1}]),
        ("fast", [{"x": 2}, {"x": 1}]),
    ):
        assert values_of(path, profile=profile) == expected

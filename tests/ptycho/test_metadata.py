"""Metadata embedded in scan files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.config.config import ModelConfig, TrainingConfig
from ptycho.errors import ScanError
from ptycho.metadata import MetadataManager, read_metadata

CONFIG = TrainingConfig(model=ModelConfig(N=128, gridsize=2), nphotons=1e6, n_groups=64, batch_size=8)


def metadata(**extra: Any) -> dict[str, Any]:
    """Describe data made with the configuration of this module."""
    return MetadataManager.create_metadata(CONFIG, "simulate.py", **extra)


def test_it_describes_what_made_the_data() -> None:
    """Script, physics, training and extra parameters stand in sections of their own."""
    made = metadata(object="lines", step=np.float32(2.0), shape=np.array([3, 4]), file=Path("a"))
    assert made["schema_version"] == MetadataManager.SCHEMA_VERSION == "1.0.0"
    assert made["creation_info"]["script"] == "simulate.py"
    assert made["physics_parameters"]["nphotons"] == 1e6
    assert made["physics_parameters"]["N"] == 128
    assert made["physics_parameters"]["gridsize"] == 2
    assert made["training_parameters"]["batch_size"] == 8
    assert made["data_transformations"] == []
    assert made["additional_parameters"] == {"object": "lines", "step": 2.0, "shape": [3, 4], "file": "a"}


def test_saving_and_loading_is_identity(tmp_path: Path) -> None:
    """Arrays and metadata come back as they went in, apart from each other."""
    arrays = {"diff3d": np.arange(8.0).reshape(2, 2, 2), "xcoords": np.arange(2)}
    given_metadata = metadata(note="ä")
    MetadataManager.save_with_metadata(tmp_path / "s.npz", arrays, given_metadata)
    loaded, found = MetadataManager.load_with_metadata(tmp_path / "s.npz")
    assert found == given_metadata
    assert set(loaded) == set(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(loaded[key], array)


def test_a_file_without_metadata_gives_none(tmp_path: Path) -> None:
    """Absence is no error."""
    np.savez(tmp_path / "s.npz", xcoords=np.arange(3))
    loaded, found = MetadataManager.load_with_metadata(tmp_path / "s.npz")
    assert found is None
    assert list(loaded) == ["xcoords"]


def test_object_arrays_of_older_files_are_read(tmp_path: Path) -> None:
    """A text that numpy pickled is taken out without running the pickle."""
    text = json.dumps({"physics_parameters": {"nphotons": 5e7}})
    np.savez(tmp_path / "s.npz", _metadata=np.array(text, dtype=object))
    assert MetadataManager.get_nphotons(read_metadata(tmp_path / "s.npz")) == 5e7


class _Harmful:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("harm"),)  # type: ignore[return-value]


def test_other_pickles_are_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle that holds more than a text is never run."""
    monkeypatch.chdir(tmp_path)
    assert pickle.dumps(_Harmful())
    np.savez(tmp_path / "s.npz", _metadata=np.array(_Harmful(), dtype=object))
    with pytest.raises(ScanError, match="is a pickle that holds more than one text"):
        read_metadata(tmp_path / "s.npz")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "Expecting value: line 1 column 1 (char 0)"),
        ("[1, 2]", "a list where a table belongs"),
        ("3", "a int where a table belongs"),
        ("[" * 100_000, "its lists are nested too deeply"),
        ('{"a": ' * 200 + "1" + "}" * 200, "its lists are nested too deeply"),
        ('{"a": 1e400}', "1e400 is not a finite number"),
        (f'{{"a": 1{"0" * 399}}}', f"1{'0' * 29}... (400 digits) is not a finite number"),
    ],
)
def test_a_text_that_is_no_table_is_named(tmp_path: Path, text: str, reason: str) -> None:
    """What stands there is shown, and what should."""
    path = tmp_path / "s.npz"
    np.savez(path, _metadata=np.array(text))
    with pytest.raises(ScanError) as caught:
        read_metadata(path)
    assert str(caught.value) == (
        f"'_metadata' in {path} is not a JSON table: {text[:60]!r}\n"
        f"  reason    {reason}\n"
        '  expected  a text such as {"physics_parameters": {"nphotons": 1e9}}'
    )


def test_every_difference_is_a_line() -> None:
    """Data and configuration are compared in what the physics needs."""
    other = TrainingConfig(model=ModelConfig(N=64, gridsize=2), nphotons=1e9)
    assert MetadataManager.validate_parameters(metadata(), other) == [
        "nphotons mismatch: dataset=1000000.0, config=1000000000.0",
        "N mismatch: dataset=128, config=64",
    ]
    assert MetadataManager.validate_parameters(metadata(), CONFIG) == []
    assert MetadataManager.validate_parameters(metadata(), {"gridsize": 1}) == [
        "gridsize mismatch: dataset=2, config=1"
    ]


def test_a_transformation_is_one_more_record() -> None:
    """The history grows; the metadata that it grew from stays."""
    before = metadata()
    once = MetadataManager.add_transformation_record(before, "crop", "centre", {"side": np.int64(64)})
    twice = MetadataManager.add_transformation_record(once, "bin", "sum")
    assert before["data_transformations"] == []
    assert [each["tool"] for each in twice["data_transformations"]] == ["crop", "bin"]
    assert twice["data_transformations"][0]["parameters"] == {"side": 64}


@pytest.mark.parametrize("said", [None, {}, {"physics_parameters": None}, {"physics_parameters": {}}])
def test_photons_have_a_default(said: dict[str, Any] | None) -> None:
    """Metadata that does not say gives 1e9, or what the caller prefers."""
    assert MetadataManager.get_nphotons(said) == 1e9
    assert MetadataManager.get_nphotons(said, default=7.0) == 7.0


@given(st.lists(st.floats(1.0, 1e12), min_size=1, max_size=4))
def test_merging_keeps_the_named_part(photons: list[float]) -> None:
    """First keeps the first's parameters, last the last's; no record is lost."""
    parts = [
        {"physics_parameters": {"nphotons": each}, "data_transformations": [{"tool": str(number)}]}
        for number, each in enumerate(photons)
    ]
    first = MetadataManager.merge_metadata(parts)
    last = MetadataManager.merge_metadata(parts, "last")
    assert first["physics_parameters"]["nphotons"] == photons[0]
    assert last["physics_parameters"]["nphotons"] == photons[-1]
    assert len(first["data_transformations"]) == len(photons)
    assert first["creation_info"]["merged_from"] == len(photons)


def test_strict_merging_names_the_difference() -> None:
    """Parameters that differ cannot become one under the strict strategy."""
    parts = [{"physics_parameters": {"N": 64}}, {"physics_parameters": {"N": 128}}]
    with pytest.raises(ValueError, match="N differs") as caught:
        MetadataManager.merge_metadata(parts, "strict")
    assert str(caught.value) == (
        "N differs: 64 in data set 1, 128 in data set 2\n"
        "  expected  equal physics parameters under the strategy 'strict'\n"
        "  try       strategy='first'"
    )
    MetadataManager.merge_metadata([parts[0], parts[0]], "strict")


def test_merging_refuses_nothing_and_the_unknown() -> None:
    """There must be something to join, and a known way to join it."""
    with pytest.raises(ValueError, match="there is no metadata to merge"):
        MetadataManager.merge_metadata([])
    with pytest.raises(ValueError, match="unknown merge strategy 'best'"):
        MetadataManager.merge_metadata([{}], "best")  # type: ignore[arg-type]


def test_the_configuration_comes_back() -> None:
    """What the metadata says of the configuration is enough to make it again."""
    assert MetadataManager.load_config_from_metadata(metadata()) == CONFIG


def test_only_configurations_are_described() -> None:
    """Anything else has no parameters to describe."""
    with pytest.raises(TypeError, match="expected a configuration or a mapping, got 3"):
        MetadataManager.create_metadata(3, "x")

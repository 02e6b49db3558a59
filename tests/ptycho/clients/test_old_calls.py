"""Calls of older programs: understood, or refused with the way to write them; never misread."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest

from ptycho import params
from ptycho.config.config import ModelConfig, TrainingConfig, update_legacy_dict
from ptycho.metadata import MetadataManager
from ptycho.raw_data import RawData
from ptycho.workflows.components import load_data, load_inference_bundle


def test_a_default_answers_for_a_missing_key(fresh_params: None) -> None:
    """``get(key, default)`` never raises, not for the computed key either; without a default it does."""
    assert params.get("nothing of the kind", 7) == 7
    assert params.get("nothing of the kind", None) is None
    assert params.get("gridsize", 9) == params.cfg["gridsize"]
    params.cfg.clear()
    assert params.get("bigN", 64) == 64
    with pytest.raises(KeyError):
        params.get("bigN")


@pytest.mark.parametrize("last", [("data.npz", 7), (Path("data.npz"), None), (None, 7)])
def test_the_old_order_of_groups_is_refused(tiny_scan: RawData, last: tuple[object, object]) -> None:
    """A path where the seed belongs, or a seed where a yes or no belongs, is the old call."""
    with pytest.raises(TypeError) as caught:
        tiny_scan.generate_grouped_data(tiny_scan.N, 4, 5, *last)  # type: ignore[arg-type]
    told = str(caught.value)
    assert "that is the old order of arguments (N, K, nsamples, dataset_path, seed)\n" in told
    assert f"nsamples=..., seed={last[1]!r})" in told


@pytest.mark.parametrize("kind", [FileNotFoundError, ValueError])
def test_a_missing_bundle_is_both_errors(tmp_path: Path, kind: type[Exception]) -> None:
    """Some clients catch a file that is missing, others a value that is wrong."""
    with pytest.raises(kind, match="Model directory does not exist"):
        load_inference_bundle(tmp_path / "nowhere")
    with pytest.raises(kind, match="Model archive not found"):
        load_inference_bundle(tmp_path)


def test_metadata_is_compared_where_asked(tmp_path: Path, tiny_scan: RawData, fresh_params: None) -> None:
    """Each difference is one warning, at the line that reads the scan."""
    made_with = TrainingConfig(ModelConfig(N=64, gridsize=1), nphotons=1e6)
    tiny_scan.metadata = MetadataManager.create_metadata(made_with, "test")
    scan = tiny_scan.to_file(tmp_path / "scan.npz")
    update_legacy_dict(params.cfg, made_with)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RawData.from_file(scan, validate_config=True)
        RawData.from_file(scan, current_config={"nphotons": 1.0})
    with pytest.warns(UserWarning, match="nphotons mismatch: dataset=1000000.0, config=1.0") as caught:
        RawData.from_file(scan, validate_config=True, current_config={"nphotons": 1.0, "N": 64})
    assert [Path(warning.filename).name for warning in caught] == ["test_old_calls.py"]


def test_reading_before_configuring_is_told(
    tmp_path: Path, tiny_scan: RawData, fresh_params: None, caplog: pytest.LogCaptureFixture
) -> None:
    """CONFIG-001 is named with the caller's line, and not once the configuration is there."""
    scan = tiny_scan.to_file(tmp_path / "scan.npz")
    params.cfg.clear()
    for read in (RawData.from_file, load_data):
        caplog.clear()
        read(scan)
        (record,) = [record for record in caplog.records if "CONFIG-001" in record.message]
        assert record.levelno == logging.WARNING
        assert "test_old_calls.py:" in record.message
    caplog.clear()
    update_legacy_dict(params.cfg, TrainingConfig(ModelConfig(N=64)))
    RawData.from_file(scan)
    assert not [record for record in caplog.records if "CONFIG-001" in record.message]


def test_warnings_of_a_scan_name_the_callers_line(tmp_path: Path, tiny_scan: RawData) -> None:
    """Frames in the old order are turned, and the warning points at who read the file."""
    scan = tiny_scan.to_file(tmp_path / "scan.npz")
    with np.load(scan) as held:
        arrays = dict(held)
    np.savez(scan, **arrays | {"diff3d": np.moveaxis(arrays["diff3d"], 0, 2)})
    with pytest.warns(UserWarning, match="FORMAT-001") as caught:
        RawData.from_file(scan)
    assert {Path(warning.filename).name for warning in caught} == {"test_old_calls.py"}


def test_the_schema_version_has_its_older_name() -> None:
    """Both names give the version of the metadata."""
    assert MetadataManager.CURRENT_SCHEMA_VERSION == MetadataManager.SCHEMA_VERSION

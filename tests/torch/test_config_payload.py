"""Payloads built from a resolution, as the command lines make them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptycho import params
from ptycho.run.resolve import resolve_run
from ptycho.settings.layers import TORCH_BACKEND
from ptycho_torch.config_payload import inference_payload, training_payload
from ptyconf import Resolution


def resolved(command: Any, **overrides: Any) -> Resolution:
    """Resolve settings as a torch command does."""
    return resolve_run(command, overrides={"accelerator": "cpu", **overrides}, extra_layers=[TORCH_BACKEND])


def test_a_training_is_built_from_its_resolution(scan_file: Path) -> None:
    """What was resolved once is what is built; the audit holds no override that nobody gave."""
    resolution = resolved("train", train_data_file=scan_file, n_groups=5, gridsize=1)
    payload = training_payload(resolution)
    assert payload.resolution is resolution
    assert payload.tf_training_config.n_groups == payload.pt_training_config.n_groups == 5
    assert payload.tf_training_config.backend == "pytorch"
    assert "gridsize" not in payload.overrides_applied
    assert params.is_sealed()


def test_an_inference_without_groups_takes_every_position(scan_file: Path, model_dir: Path) -> None:
    """No number of groups is needed to reconstruct."""
    payload = inference_payload(resolved("infer", test_data_file=scan_file, model_path=model_dir))
    assert payload.tf_inference_config.n_groups is None
    assert params.cfg["model_path"] == str(model_dir)


REFUSALS: dict[str, tuple[Callable[[Path, Path], object], type[Exception], str]] = {
    "no groups": (
        lambda scan, _: training_payload(resolved("train", train_data_file=scan)),
        ValueError,
        "n_groups is required in overrides\n  expected  training.n_groups, the number of groups to draw",
    ),
    "no scan named": (
        lambda scan, _: training_payload(resolved("train", n_groups=5)),
        FileNotFoundError,
        "Training data file not found: None\n  expected  a scan file",
    ),
    "no model named": (
        lambda scan, _: inference_payload(resolved("infer", test_data_file=scan)),
        ValueError,
        "model_path is required\n  expected  a path",
    ),
    "no test scan named": (
        lambda _, model: inference_payload(resolved("infer", model_path=model)),
        ValueError,
        "test_data_file is required\n  expected  a path",
    ),
    "no test scan there": (
        lambda scan, model: inference_payload(
            resolved("infer", model_path=model, test_data_file=scan.with_name("no.npz"))
        ),
        FileNotFoundError,
        "Test data file not found: ",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_missing_is_named(case: str, scan_file: Path, model_dir: Path) -> None:
    """A resolution that lacks what the run needs is refused, and nothing is written."""
    call, kind, text = REFUSALS[case]
    before = dict(params.cfg)
    with pytest.raises(kind) as caught:
        call(scan_file, model_dir)
    assert str(caught.value).startswith(text)
    assert dict(params.cfg) == before
    assert not params.is_populated()

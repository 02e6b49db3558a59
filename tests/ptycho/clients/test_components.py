"""The steps that need no network: reading a scan, resolving a configuration, drawing."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho import params
from ptycho.config.config import ModelConfig
from ptycho.raw_data import RawData
from ptycho.workflows.backend_selector import load_inference_bundle_with_backend
from ptycho.workflows.components import load_data, load_inference_bundle, save_outputs, setup_configuration
from ptyconf import ConfigError, set_fields

pytestmark = pytest.mark.usefixtures("new_process")


@pytest.fixture
def scan_file(jail: Path, tiny_scan: RawData) -> Path:
    """A scan of 36 frames, as a file."""
    return tiny_scan.to_file("scan.npz")


def test_a_scan_is_read_as_it_is(scan_file: Path, tiny_scan: RawData) -> None:
    """Without a wish nothing is changed."""
    scan = load_data(scan_file)
    np.testing.assert_array_equal(scan.positions, tiny_scan.positions)
    np.testing.assert_array_equal(scan.diff3d, tiny_scan.diff3d)


@pytest.mark.parametrize(
    ("wish", "matrix"),
    [
        ({"flip_x": True}, [[-1, 0], [0, 1]]),
        ({"flip_y": True}, [[1, 0], [0, -1]]),
        ({"swap_xy": True}, [[0, 1], [1, 0]]),
        ({"coord_scale": 2.0}, [[2, 0], [0, 2]]),
        ({"flip_x": True, "swap_xy": True, "coord_scale": 3.0}, [[0, -3], [3, 0]]),
    ],
    ids=["flip_x", "flip_y", "swap_xy", "coord_scale", "all"],
)
def test_coordinates_are_mended(scan_file: Path, wish: dict[str, Any], matrix: list[list[int]]) -> None:
    """Measured and nominal alike; the frames stay, and nothing is guessed twice."""
    before, after = load_data(scan_file), load_data(scan_file, **wish)
    for x, y in (("xcoords", "ycoords"), ("xcoords_start", "ycoords_start")):
        given = np.stack([getattr(before, x), getattr(before, y)], axis=1)
        found = np.stack([getattr(after, x), getattr(after, y)], axis=1)
        np.testing.assert_allclose(found, given @ np.array(matrix))
    np.testing.assert_array_equal(after.amplitudes([0, 5]), before.amplitudes([0, 5]))
    assert (after.source, after.quantity) == (before.source, before.quantity)


def test_a_choice_of_frames_is_sorted_and_seeded(scan_file: Path) -> None:
    """The same seed gives the same frames; n_subsample stands above n_images."""
    one, again = (load_data(scan_file, 30, 10, subsample_seed=4) for _ in range(2))
    assert len(one) == 10
    np.testing.assert_array_equal(one.positions, again.positions)
    whole = load_data(scan_file)
    where = [int(np.flatnonzero((whole.positions == each).all(axis=1))[0]) for each in one.positions]
    assert where == sorted(where)
    assert len(load_data(scan_file, 30)) == 30
    assert len(load_data(scan_file, 99)) == 36


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.toml", "[training]\nnepochs = 3\nbatch_size = 4\n"),
        ("run.yaml", "training:\n  nepochs: 3\n  batch_size: 4\n"),
    ],
)
def test_arguments_stand_above_the_file(jail: Path, name: str, text: str) -> None:
    """None is no argument; the name of the file is no setting; params.cfg holds the outcome."""
    (jail / name).write_text(text)
    args = argparse.Namespace(nepochs=5, gridsize=2, seed=None, config=name)
    config = setup_configuration(args, name)
    assert (config.nepochs, config.batch_size, config.model.gridsize) == (5, 4, 2)
    assert set_fields(config) == {"nepochs", "batch_size"}
    assert params.is_populated()
    assert params.get("nepochs") == 5


def test_a_setting_without_a_place_is_refused(jail: Path) -> None:
    """A TrainingConfig could not carry it, and it would be lost."""
    with pytest.raises(ConfigError) as caught:
        setup_configuration({"learning_rate": 0.5})
    assert str(caught.value) == (
        "'execution.learning_rate' has no place in a TrainingConfig\n"
        "  written in  flag args['learning_rate']\n"
        "  expected    settings of training and model\n"
        "  try         `ptycho train`, or execution_config of run_cdi_example"
    )
    assert not params.is_populated()


def test_an_unknown_argument_is_refused(jail: Path) -> None:
    """With the close match."""
    with pytest.raises(ConfigError, match="nepoch") as caught:
        setup_configuration({"nepoch": 5})
    assert "nepochs" in str(caught.value)


def test_no_picture_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a reconstructed scan nothing is drawn, and the log tells why."""
    with caplog.at_level(logging.INFO, "ptycho.clients.components"):
        assert save_outputs(None, None, {}, tmp_path / "out") == []
    assert caplog.messages == [
        "there is no picture to save: no scan was reconstructed (do_stitching=True does)"
    ]
    assert list(tmp_path.iterdir()) == []


def test_pictures_need_no_more_than_two_arrays(tmp_path: Path) -> None:
    """Arrays with an axis of one too many are taken as well."""
    amplitude = np.linspace(0.5, 1, 600).reshape(20, 30, 1)
    drawn = save_outputs(amplitude, 0.3 * amplitude, {}, str(tmp_path / "out"))
    assert [path.name for path in drawn] == ["reconstructed_amplitude.png", "reconstructed_phase.png"]
    assert len({path.read_bytes() for path in drawn}) == 2


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda folder: folder / "nowhere",
            FileNotFoundError,
            (
                "Model directory does not exist: {path}\n"
                "  expected  a run folder that holds wts.h5.zip, or that file\n"
                "  try       the folder that `ptycho train` named at its end, or a network that needs no "
                "training: universal"
            ),
        ),
        (
            lambda folder: folder,
            FileNotFoundError,
            (
                "Model archive not found: {path}/wts.h5.zip\n"
                "  expected  wts.h5.zip there, or in exactly one of its subfolders (found: none)\n"
                "  try       the folder that `ptycho train` named at its end"
            ),
        ),
        (
            lambda folder: folder / "model.pt",
            ValueError,
            (
                "Model path is not a directory: {path}\n"
                "  expected  a folder that holds wts.h5.zip, or that file\n"
                "  try       the folder that the training was saved in"
            ),
        ),
    ],
    ids=["nowhere", "empty", "file"],
)
def test_where_no_network_is_none_is_opened(tmp_path: Path, make: Any, error: Any, text: str) -> None:
    """Folder, archive, or neither: the words are those of the contract."""
    path = make(tmp_path)
    if path.suffix:
        path.touch()
    with pytest.raises(error) as caught:
        load_inference_bundle(path)
    assert str(caught.value) == text.format(path=path)


def test_the_default_of_a_setting_is_that_of_a_run(jail: Path) -> None:
    """The same file means the same for `ptycho train` and for this door."""
    from ptycho.run.resolve import resolve_run

    config, resolution = setup_configuration(), resolve_run("train")
    assert config.model.gridsize == resolution["model.gridsize"] != ModelConfig.gridsize


@pytest.mark.parametrize("config", [None, {"backend": "pytorch"}, ModelConfig()])
def test_what_describes_no_network_opens_none(jail: Path, config: Any) -> None:
    """The legacy dict stays as it was, and the classes that are understood are named."""
    before = dict(params.cfg)
    with pytest.raises(TypeError) as caught:
        load_inference_bundle_with_backend(jail, config)
    assert str(caught.value) == (
        f"config is {config!r}\n"
        "  expected  a TrainingConfig or an InferenceConfig of ptycho.config.config\n"
        "  try       InferenceConfig(ModelConfig(N=64), model_path=..., test_data_file=...)"
    )
    assert dict(params.cfg) == before

"""The story of a client program: train, save, open, predict, reassemble, by the public names alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ptycho
import ptycho.loader
import ptycho.model_manager
import ptycho.params
from ptycho.backends.base import library_of
from ptycho.bundle.archive import FILE_NAME, BundleError
from ptycho.bundle.read import read_bundle
from ptycho.bundle.write import write_bundle
from ptycho.clients import predictor, training
from ptycho.config.config import (
    InferenceConfig,
    ModelConfig,
    PyTorchExecutionConfig,
    TrainingConfig,
    update_legacy_dict,
)
from ptycho.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate
from ptycho.workflows import backend_selector, components
from ptyconf import Resolution
from ptyconf.sources import mapping

N_FRAMES = 49
Results = dict[str, Any]


@pytest.fixture(autouse=True)
def _nothing_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test without a network that was trained before, and on the CPU."""
    monkeypatch.setattr(predictor._Memory, "predictor", None)
    monkeypatch.setenv("PTYCHO__EXECUTION__ACCELERATOR", "cpu")


@pytest.fixture(scope="module")
def scan() -> RawData:
    """Counts of a known object, handed over as arrays, as a client does."""
    made = simulate(Simulation(n_frames=N_FRAMES, step_px=5.0, nphotons=1e6))
    return RawData.from_coords_without_pc(
        made.xcoords, made.ycoords, np.asarray(made.diff3d), made.probeGuess, None
    )


@pytest.fixture(scope="module")
def configure(backend: str) -> Callable[..., TrainingConfig]:
    """Make a configuration as a client does: the scan is in memory, nothing is to be written."""

    def make(gridsize: int = 1, **values: Any) -> TrainingConfig:
        model = ModelConfig(
            N=0,
            gridsize=gridsize,
            architecture="unet",
            n_filters_scale=1,
            unet_stages=1,
            probe_scale=4.0,
        )
        given = {"nepochs": 1, "batch_size": 8, "torch_loss_mode": "mae", "backend": backend}
        config = TrainingConfig(
            model=model, train_data_file=Path(), test_data_file=None, output_dir=Path(), **(given | values)
        )
        config.model.N = 64
        return config

    return make


@pytest.fixture(scope="module", params=[1, 2], ids=["single", "groups"])
def trained(
    request: pytest.FixtureRequest,
    scan: RawData,
    configure: Callable[..., TrainingConfig],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, TrainingConfig, Results]:
    """A folder with the network that a client trained and saved, its configuration, and the results."""
    folder, config = tmp_path_factory.mktemp("client"), configure(request.param)
    on_cpu = PyTorchExecutionConfig(accelerator="cpu")
    amplitude, phase, results = components.run_cdi_example(scan, scan, config, execution_config=on_cpu)
    assert (amplitude, phase) == (None, None)
    ptycho.model_manager.save(folder / "out")
    return folder, config, results


def _open(folder: Path, gridsize: int) -> Any:
    """Do what a client does before it reconstructs."""
    config = InferenceConfig(ModelConfig(N=64, gridsize=gridsize), model_path=Path(), test_data_file=Path())
    update_legacy_dict(ptycho.params.cfg, config)
    return components.load_inference_bundle(folder)[0]


def test_a_client_reconstructs_a_scan(
    trained: tuple[Path, TrainingConfig, Results], scan: RawData, backend: str
) -> None:
    """Opened from the folder above, the network gives patches, and these one picture."""
    folder, config, _ = trained
    gridsize = config.model.gridsize
    model = _open(folder, gridsize)
    assert model.backend == backend
    ptycho.probe.set_probe_guess(None, scan.probeGuess)
    grouped = scan.generate_grouped_data(64, K=7, nsamples=20, gridsize=gridsize)
    container = ptycho.loader.load(lambda: grouped, scan.probeGuess, which=None, create_split=False)
    scale = ptycho.params.get("intensity_scale")
    patches = model.predict([container.X * scale, container.local_offsets])
    assert patches.shape == (20, 64, 64, 1)
    assert patches.dtype == np.complex64
    picture = ptycho.tf_helper.reassemble_position(patches, container.global_offsets, M=20)
    assert np.squeeze(picture).ndim == 2
    assert np.isfinite(picture).all()
    assert np.iscomplexobj(picture)


def test_a_saved_network_predicts_as_the_trained_one(
    trained: tuple[Path, TrainingConfig, Results], scan: RawData
) -> None:
    """Save and open is the identity on predictions and on the scale."""
    folder, config, results = trained
    opened = _open(folder, config.model.gridsize)
    grouped = scan.generate_grouped_data(64, K=7, nsamples=5, gridsize=config.model.gridsize)
    inputs = [grouped["X_full"] * opened.intensity_scale, grouped["coords_relative"]]
    assert opened.intensity_scale == results["model"].intensity_scale
    np.testing.assert_array_equal(opened.predict(inputs), results["model"].predict(inputs))


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (0, "X of group 0 holds values that are NaN or infinite\n  expected  finite normalised amplitudes\n"),
        (
            1,
            "local_offsets hold values that are NaN or infinite\n  expected  group mean minus position",
        ),
    ],
)
def test_what_is_no_number_is_not_predicted_from(
    trained: tuple[Path, TrainingConfig, Results], scan: RawData, spoilt: int, said: str
) -> None:
    """Neither frames nor offsets."""
    model, gridsize = trained[2]["model"], trained[1].model.gridsize
    grouped = scan.generate_grouped_data(64, K=7, nsamples=3, gridsize=gridsize)
    inputs = [grouped["X_full"] * model.intensity_scale, grouped["coords_relative"]]
    inputs[spoilt] = inputs[spoilt] * np.nan
    with pytest.raises(ValueError, match="NaN or infinite") as caught:
        model.predict(inputs)
    assert str(caught.value).startswith(said)


def test_a_settings_text_of_another_hand_is_refused(
    trained: tuple[Path, TrainingConfig, Results], tmp_path: Path
) -> None:
    """What cannot be carried to another folder is a fault of the bundle, with its file and its writer."""
    held = read_bundle(trained[0] / "out" / FILE_NAME)
    text = '[training]\ntrain_data_file = """scan.npz"""\n'
    write_bundle(tmp_path / FILE_NAME, replace(held, settings_toml=text))
    with pytest.raises(BundleError) as caught:
        components.load_inference_bundle(tmp_path)
    what, writer, *_ = str(caught.value).splitlines()
    assert what.startswith(f"{tmp_path / FILE_NAME} holds settings that cannot be read: ")
    assert writer == f"  written by  {held.writer}"


def test_a_prediction_does_not_depend_on_its_batch(
    trained: tuple[Path, TrainingConfig, Results], scan: RawData
) -> None:
    """A group by itself gives what it gives among others."""
    _, config, results = trained
    grouped = scan.generate_grouped_data(64, K=7, nsamples=9, seed=1, gridsize=config.model.gridsize)
    scaled = grouped["X_full"] * results["model"].intensity_scale
    together = results["model"].predict([scaled, grouped["coords_relative"]])
    alone = results["model"].predict([scaled[4:5], grouped["coords_relative"][4:5]])
    np.testing.assert_allclose(alone[0], together[4], atol=2e-5)


def test_results_tell_the_story(trained: tuple[Path, TrainingConfig, Results], backend: str) -> None:
    """History by column, the backend, and every setting with its origin; the caller's values hold."""
    _, config, results = trained
    assert results["backend"] == backend
    assert [len(column) for column in results["history"].values()] == [1] * len(results["history"])
    assert {"train_loss", "val_loss", "lr"} <= results["history"].keys()
    resolution = results["resolution"]
    assert resolution["model.gridsize"] == config.model.gridsize
    assert resolution["training.n_groups"] == 512
    assert resolution["training.train_data_file"] is None
    assert resolution.winner_layer("training.nepochs") == "overrides"
    assert resolution.winner_layer("training.n_groups") == "cli-defaults"
    assert resolution.winner_layer("model.probe_scale") == "cli-defaults"
    assert "TrainingConfig.nepochs" in str(resolution.trace("training.nepochs").winner.origin)


def test_the_bundle_is_that_of_the_command_line(
    trained: tuple[Path, TrainingConfig, Results], backend: str
) -> None:
    """It holds the backend, the settings and where they came from."""
    held = read_bundle(trained[0] / "out" / FILE_NAME)
    assert held.backend == backend
    winners = {entry["path"]: entry["winner"]["layer"] for entry in held.provenance["settings"]}
    assert winners["model.intensity_scale"] == "measured"
    assert f'backend = "{backend}"' in held.settings_toml


def test_training_leaves_nothing_on_the_disk(
    scan: RawData,
    configure: Callable[..., TrainingConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither in the working directory, nor in a folder for temporary files, not even until it ends."""
    (tmp_path / "work").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    made: list[Path] = []

    def look(*_arguments: object) -> None:
        made.extend(item for item in tmp_path.rglob("*") if item.is_file())

    monkeypatch.setattr("ptycho.training.journal.Journals.log", look)
    components.train_cdi_model(scan, None, configure(nepochs=2))
    assert [item for item in tmp_path.rglob("*") if item.is_file()] == made == []
    assert sorted(item.name for item in tmp_path.iterdir()) == ["temporary", "work"]
    assert list((tmp_path / "temporary").iterdir()) == list((tmp_path / "work").iterdir()) == []


def test_a_stitched_scan_can_be_drawn(
    scan: RawData, configure: Callable[..., TrainingConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amplitude and phase come back, of the patches' middles, and go into two pictures."""
    monkeypatch.setenv("PTYCHO__INFERENCE__REFINE_EPOCHS", "1")
    part = scan.subset(scan.positions[:, 1] <= np.median(scan.positions[:, 1]))
    amplitude, phase, results = components.run_cdi_example(scan, part, configure(), M=40, do_stitching=True)
    assert amplitude is not None
    assert phase is not None
    found = results["reconstruction"].object
    np.testing.assert_allclose(amplitude * np.exp(1j * phase), found, atol=1e-5)
    assert results["reconstruction"].coverage.shape == amplitude.shape < (scan.N + 40,) * 2
    drawn = components.save_outputs(amplitude, phase, results, tmp_path / "pictures")
    assert [path.name for path in drawn] == ["reconstructed_amplitude.png", "reconstructed_phase.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in drawn)


TURNS: dict[str, tuple[dict[str, bool], list[float]]] = {
    "columns": ({"flip_x": True}, [-1, 1]),
    "rows": ({"flip_y": True}, [1, -1]),
    "both": ({"flip_x": True, "flip_y": True}, [-1, -1]),
    "transposed": ({"transpose": True}, [1, 1]),
}


@pytest.mark.parametrize("case", TURNS)
def test_turned_coordinates_are_turned_back(
    trained: tuple[Path, TrainingConfig, Results], scan: RawData, backend: str, case: str
) -> None:
    """A scan whose coordinates lie another way gives the same picture once that is said."""
    turn, sign = TURNS[case]
    library, results = library_of(backend), trained[2]
    results["training"] = replace(
        results["training"], resolution=_without_refinement(results["training"].resolution)
    )
    positions = scan.positions * sign
    turned = scan.at_positions(positions[:, ::-1] if turn.get("transpose") else positions)
    straight = training.stitch(library, results, scan, training.StitchOptions())
    mended = training.stitch(library, results, turned, training.StitchOptions(**turn))
    expected = straight["amplitude"].T if turn.get("transpose") else straight["amplitude"]
    np.testing.assert_allclose(mended["amplitude"], expected, atol=1e-4)


def _without_refinement(resolution: Resolution) -> Resolution:
    return resolution.with_layer(mapping.layer("overrides", {"inference.refine_epochs": 0}))


def test_a_container_trains_as_its_scan(scan: RawData, configure: Callable[..., TrainingConfig]) -> None:
    """Groups are taken apart into the frames that they hold."""
    config = configure(2, nphotons=1e6)
    update_legacy_dict(ptycho.params.cfg, config)
    grouped = scan.generate_grouped_data(64, K=7, nsamples=N_FRAMES, gridsize=2)
    container = ptycho.loader.load(lambda: grouped, scan.probeGuess)
    results = components.train_cdi_model(container, None, config)
    assert results["model"].intensity_scale == pytest.approx(np.sqrt(1e6) / 32)


def test_a_bundle_of_the_other_backend_opens_with_this_one(
    trained: tuple[Path, TrainingConfig, Results], scan: RawData, backend: str, other: str, tmp_path: Path
) -> None:
    """The configuration's backend computes, and a saved copy names both."""
    held = read_bundle(trained[0] / "out" / FILE_NAME)
    foreign = replace(held, backend=other)
    write_bundle(tmp_path / FILE_NAME, foreign)
    gridsize = trained[1].model.gridsize
    config = InferenceConfig(
        ModelConfig(gridsize=gridsize), model_path=tmp_path, test_data_file=Path(), backend=backend
    )
    model, _ = backend_selector.load_inference_bundle_with_backend(tmp_path, config)
    assert model.backend == backend
    grouped = scan.generate_grouped_data(64, K=7, nsamples=3, gridsize=gridsize)
    inputs = [grouped["X_full"] * model.intensity_scale, grouped["coords_relative"]]
    np.testing.assert_array_equal(model.predict(inputs), trained[2]["model"].predict(inputs))
    ptycho.model_manager.save(tmp_path / "copy")
    copied = read_bundle(tmp_path / "copy" / FILE_NAME)
    assert (copied.backend, copied.trained_by.backend) == (backend, other)


def test_doors_keep_the_other_framework_out(backend: str, foreign_packages: set[str], tmp_path: Path) -> None:
    """A process that trains, saves and opens holds nothing of the other backend; before, of neither."""
    code = f"""
import json, sys
from pathlib import Path
import numpy as np
import ptycho.loader, ptycho.model_manager, ptycho.params
from ptycho.workflows.components import load_inference_bundle, run_cdi_example
from ptycho.config.config import ModelConfig, TrainingConfig
from ptycho.simulate.scan import Simulation, simulate
assert ptycho.probe.set_probe_guess and ptycho.tf_helper.reassemble_position
before = sorted({{name.split('.')[0] for name in sys.modules}})
model = ModelConfig(architecture="unet", n_filters_scale=1, unet_stages=1)
config = TrainingConfig(model=model, nepochs=1, backend={backend!r})
run_cdi_example(simulate(Simulation(n_frames=16)), None, config)
ptycho.model_manager.save(Path({str(tmp_path)!r}) / "out")
load_inference_bundle(Path({str(tmp_path)!r}))
print(json.dumps([before, sorted({{name.split('.')[0] for name in sys.modules}})]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    before, after = (set(names) for names in json.loads(done.stdout.splitlines()[-1]))
    assert before.isdisjoint({"torch", "lightning", "tensorflow", "keras", "matplotlib"})
    assert after.isdisjoint(foreign_packages)
    assert not after.isdisjoint({"torch", "tensorflow"})

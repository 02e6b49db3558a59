"""Drive ptychodus without its window: export, train, save, open, reconstruct, with its public objects alone.

Run as a program inside the environment that `environment.py` builds; ptychodus spawns its children from here.
Usage: drive.py JOB FOLDER, with JOB a name in `JOBS`; what was seen is written to FOLDER/seen.json.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ptychodus.api.geometry import PixelGeometry
from ptychodus.api.object import Object, ObjectCenter
from ptychodus.api.probe import ProbeSequence
from ptychodus.api.probe_positions import ProbePosition, ProbePositionSequence
from ptychodus.api.product import Product, ProductMetadata
from ptychodus.api.reconstruct import ReconstructInput, TrainableReconstructor, prepare_reconstruct_input
from ptychodus.api.simulate.diffraction import generate_diffraction_data
from ptychodus.model.core import ModelCore
from ptychodus.model.processing._subprocess_protocol import ChildError

from ptycho.metrics.scores import score
from ptycho.optics.model import draw_beam
from ptycho.simulate.objects import draw_object

SIDE = 64
STEPS = 12
STEP_PX = 5.0
JITTER_PX = 0.7
PIXEL_M = 1e-8
DISTANCE_M = 2.0
ENERGY_EV = 8000.0
PHOTONS = 1e7
CENTRE_M = (3e-7, -2e-7)
"""The middle of the scan, away from zero: ptychodus keeps positions in metres of the stage."""


@dataclass(frozen=True)
class Experiment:
    """A scan that ptychodus simulated, and the object behind it."""

    given: ReconstructInput
    truth: Product


def simulate() -> Experiment:
    """Let ptychodus compute the counts of a known object, with its own propagator and noise."""
    rng = np.random.default_rng(7)
    path = (
        np.stack(np.meshgrid(*(np.arange(STEPS),) * 2), axis=-1).reshape(-1, 2) - (STEPS - 1) / 2
    ) * STEP_PX
    path = path + rng.uniform(-JITTER_PX, JITTER_PX, path.shape)
    path -= (path.min(axis=0) + path.max(axis=0)) / 2
    side = 2 * int(np.ceil(np.abs(path).max())) + SIDE + 4
    pixel = PixelGeometry(width_m=PIXEL_M, height_m=PIXEL_M)
    centre = ObjectCenter(x_m=CENTRE_M[0], y_m=CENTRE_M[1])
    points = [
        ProbePosition(index, CENTRE_M[0] + x * PIXEL_M, CENTRE_M[1] + y * PIXEL_M)
        for index, (x, y) in enumerate(path)
    ]
    picture = draw_object("textures", (side, side), rng).astype(complex)
    truth = Product(
        metadata=_metadata(),
        probe_positions=ProbePositionSequence(points),
        probes=ProbeSequence(draw_beam("zone_plate", SIDE), None, pixel),
        object_=Object(picture, pixel, centre),
        losses=(),
    )
    # The probe's scale follows from the photons of a mean frame; the Fresnel prefactor is ptychodus's own.
    dim = generate_diffraction_data(truth).get_patterns()
    brightness = np.sqrt(PHOTONS / dim.sum(axis=(1, 2)).mean())
    probe = ProbeSequence(truth.probes.get_array() * brightness, None, pixel)
    truth = replace(truth, probes=probe)
    counted = generate_diffraction_data(truth, rng)
    blank = replace(truth, object_=Object(np.ones_like(picture), pixel, centre))
    return Experiment(prepare_reconstruct_input(counted, blank), truth)


def _metadata() -> ProductMetadata:
    return ProductMetadata(
        name="simulated",
        comments="",
        detector_distance_m=DISTANCE_M,
        photon_energy_eV=ENERGY_EV,
        probe_photon_count=PHOTONS,
        exposure_time_s=1.0,
        mass_attenuation_m2_per_kg=0.0,
        tomography_angle_deg=0.0,
    )


def compare(product: Product, truth: Product) -> dict[str, Any]:
    """Score a product's object where the scan saw it, after alignment, and where it came to lie.

    Both objects are laid on one grid by what ptychodus says of them: their centres in metres.
    """
    found, wanted = product.object_, truth.object_
    picture = np.asarray(found.get_array())[0]
    reference = wanted.get_layer(0)
    both = [_around_centre(image, _sighted_side(truth)) for image in (picture, reference)]
    scores = score(*both)
    constant = score(np.ones_like(both[1]), both[1])
    return {
        "shape": list(picture.shape),
        "dtype": str(picture.dtype),
        "centre_kept": found.get_center() == wanted.get_center(),
        "amplitude": _plain(scores.amplitude.correlation),
        "phase": _plain(scores.phase.correlation),
        "shift_px": [float(value) for value in scores.shift_px],
        "constant_amplitude": _plain(constant.amplitude.correlation),
        "constant_phase": _plain(constant.phase.correlation),
    }


def _plain(correlation: float) -> float:
    """Give 0 for the correlation of a picture that is constant and has none."""
    return 0.0 if np.isnan(correlation) else float(correlation)


def _sighted_side(truth: Product) -> int:
    """Give the side of the square that the beam crossed again and again."""
    geometry = truth.object_.get_geometry()
    columns = geometry.map_probe_positions_to_object_x_px(truth.probe_positions)
    return 2 * int((columns.max() - columns.min()) // 2)


def _around_centre(image: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in image.shape)
    return np.asarray(image[top : top + side, left : left + side])


def choose(core: ModelCore, library: str, mode: str) -> TrainableReconstructor:
    """Find a reconstructor by the names that the window shows."""
    libraries = (core.ptychopinn_reconstructor_library, core.ptychopinn_torch_reconstructor_library)
    found = next(each for each in libraries if each.name == library)
    return next(each for each in found if each.name == mode)


def go_through(configure: Callable[[], ModelCore], names: tuple[str, str], folder: Path) -> dict[str, Any]:
    """Do what a user does: export, train, save; start anew, open, reconstruct.

    Args:
        configure: Starts ptychodus and makes its settings.
        names: Library and reconstructor.
        folder: Takes everything that is written.
    """
    experiment = simulate()
    scans, trained = folder / "scans", folder / "trained"
    scans.mkdir()
    trained.mkdir()
    first = choose(configure(), *names)
    for name in ("train_data.npz", "test_data.npz"):
        first.export_training_data(scans / name, experiment.given)
    clock = _Clock()
    outputs = list(first.train(scans, trained))
    clock.lap("train")
    model = folder / f"model{first.get_model_file_extension()}"
    first.save_model(model)
    second = choose(configure(), *names)
    second.load_model_from_file(model)
    clock.lap("save and open")
    products = [output.product for output in second.reconstruct(experiment.given)]
    clock.lap("reconstruct")
    last = outputs[-1]
    return {
        "training_loss": [loss.value for loss in last.training_loss],
        "validation_loss": [loss.value for loss in last.validation_loss],
        "progress": last.progress,
        "model_loaded": second.is_model_loaded(),
        "products": len(products),
        "model": str(model),
        "seconds": clock.laps,
        **compare(products[-1], experiment.truth),
    }


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._began, 2)
        self._began = now


def _core() -> ModelCore:
    return ModelCore(log_level=logging.INFO)


def _configured_torch() -> ModelCore:
    core = _core()
    core.ptychopinn_torch_reconstructor_library.data_settings.model_size.set_value(SIDE)
    return core


def torch(folder: Path) -> dict[str, Any]:
    """Go through PtychoPINN-Torch with the settings that ptychodus ships, but for the size and for time."""

    def configure() -> ModelCore:
        core = _configured_torch()
        core.ptychopinn_torch_reconstructor_library.training_settings.epochs.set_value(2)
        return core

    return go_through(configure, ("PtychoPINN-Torch", "Unsupervised"), folder)


def torch_network_alone(folder: Path) -> dict[str, Any]:
    """Let the network alone make the picture; what ptychodus has no field for comes from the environment."""
    os.environ["PTYCHO__MODEL__ARCHITECTURE"] = "unet"
    os.environ["PTYCHO__INFERENCE__REFINE_EPOCHS"] = "0"

    def configure() -> ModelCore:
        core = _configured_torch()
        library = core.ptychopinn_torch_reconstructor_library
        library.model_settings.amplitude_activation_function.set_value("sigmoid")
        library.training_settings.epochs.set_value(8)
        library.training_settings.batch_size.set_value(4)
        return core

    return go_through(configure, ("PtychoPINN-Torch", "Unsupervised"), folder)


def torch_errors(folder: Path) -> dict[str, Any]:
    """Do what cannot work, and keep what ptychodus would show of it."""
    experiment = simulate()
    scans, trained, foreign = folder / "scans", folder / "trained", folder / "foreign.ckpt"
    scans.mkdir()
    names = ("PtychoPINN-Torch", "Unsupervised")
    core = _core()
    reconstructor = choose(core, *names)
    seen = {"no scan": _shown(reconstructor.train(scans, trained))}
    reconstructor.export_training_data(scans / "train_data.npz", experiment.given)
    seen["size"] = _shown(reconstructor.train(scans, trained))
    library = core.ptychopinn_torch_reconstructor_library
    library.data_settings.model_size.set_value(SIDE)
    library.model_settings.eca_encoder.set_value(True)
    seen["unbuilt"] = _shown(reconstructor.train(scans, trained))
    seen["labels"] = _shown(_unlabelled(experiment, scans, trained))
    foreign.write_bytes(pickle.dumps({"state_dict": {}}))
    reconstructor.load_model_from_file(foreign)
    seen["foreign"] = _shown(reconstructor.reconstruct(experiment.given))
    return seen


def _unlabelled(experiment: Experiment, scans: Path, trained: Path) -> Iterator[Any]:
    supervised = choose(_configured_torch(), "PtychoPINN-Torch", "Supervised")
    supervised.export_training_data(scans / "train_data.npz", experiment.given)
    return supervised.train(scans, trained)


def _shown(outputs: Iterator[Any]) -> str:
    try:
        list(outputs)
    except ChildError as error:
        return str(error)
    return ""


def _configured_tensorflow(epochs: int, batch_size: int) -> Callable[[], ModelCore]:
    def configure() -> ModelCore:
        core = _core()
        library = core.ptychopinn_reconstructor_library
        library.training_settings.nepochs.set_value(epochs)
        library.training_settings.batch_size.set_value(batch_size)
        library.inference_settings.n_samples.set_value(STEPS**2)
        return core

    return configure


def tensorflow(folder: Path) -> dict[str, Any]:
    """Go through PtychoPINN with the settings that ptychodus ships, but for time and the count of groups."""
    return go_through(_configured_tensorflow(epochs=1, batch_size=16), ("PtychoPINN", "PINN"), folder)


def tensorflow_learned(folder: Path) -> dict[str, Any]:
    """Train until the picture is that of the object; the network comes from the environment."""
    os.environ["PTYCHO__MODEL__ARCHITECTURE"] = "unet"
    return go_through(_configured_tensorflow(epochs=12, batch_size=4), ("PtychoPINN", "PINN"), folder)


def tensorflow_errors(folder: Path) -> dict[str, Any]:
    """Do what cannot work, and keep what ptychodus would show of it."""
    experiment = simulate()
    scans, trained, foreign = folder / "scans", folder / "trained", folder / "foreign.zip"
    scans.mkdir()
    core = _core()
    reconstructor = choose(core, "PtychoPINN", "PINN")
    for name in ("train_data.npz", "test_data.npz"):
        reconstructor.export_training_data(scans / name, experiment.given)
    seen = {"labels": _shown(choose(core, "PtychoPINN", "Supervised").train(scans, trained))}
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("wts.h5.zip", b"something else")
    reconstructor.load_model_from_file(foreign)
    seen["foreign"] = _shown(reconstructor.reconstruct(experiment.given))
    return seen


JOBS = {
    "torch": torch,
    "torch-network-alone": torch_network_alone,
    "torch-errors": torch_errors,
    "tensorflow": tensorflow,
    "tensorflow-learned": tensorflow_learned,
    "tensorflow-errors": tensorflow_errors,
}


def main() -> None:
    """Do one job and write what was seen."""
    job, folder = sys.argv[1], Path(sys.argv[2])
    seen = JOBS[job](folder)
    (folder / "seen.json").write_text(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()

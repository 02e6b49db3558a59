"""Compute every case with one backend: `python worker.py torch|tensorflow FOLDER`.

Inputs are the neutral arrays of `cases`; results go to FOLDER/BACKEND as numpy files, together with a list of
the other backend's packages that were imported on the way.
"""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cases
import numpy as np

from ptycho.physics.canvas import Canvas
from ptycho.physics.scale import measure
from ptycho.physics.stitch import Stitched, stitch
from ptycho.raw_data import RawData
from ptycho.reconstruction.groups import Portions
from ptycho.reconstruction.iteration import Measurement
from ptycho.reconstruction.picture import PictureOptions, reconstruct
from ptycho.reconstruction.probe_retrieval import retrieve_probe
from ptycho.reconstruction.refinement import refine
from ptycho.scan.frame_store import store_frames
from ptycho.scan.grouping import group_indices
from ptycho.training.groups import Groups
from ptycho.training.loss import Loss, LossWeights

Arrays = dict[str, np.ndarray]

WEIGHTS = {
    "nll": LossWeights(),
    "mae": LossWeights(nll=0, mae=1),
    "tv": LossWeights(nll=0, realspace=1),
    "labels": LossWeights(supervised=True),
}
EVERYTHING = LossWeights(nll=1, mae=1, realspace=0.1, realspace_mae=1)


def compute_case(side: ModuleType, case: cases.Case) -> Arrays:
    """Compute forward amplitudes, losses and slopes of an object, and of a network that infers one."""
    arrays = cases.arrays_of(case)
    X, relative, labels, patches = (side.tensor(arrays[k]) for k in ("X", "relative", "labels", "patches"))
    network = side.build(case.settings, arrays["probe"], case.dtype)
    start = side.export(network)
    side.load(network, cases.weights_of({name: a.shape for name, a in start.items()}, arrays))
    mask = side.tensor(arrays["mask"]) if case.bad_pixels else None
    scale = side.tensor(np.array(cases.SCALE, case.dtype))
    weights = side.PHYSICS.illumination(network.probe)

    def explain(objects: Any) -> Any:
        merging = case.settings["object_big"]
        return side.PHYSICS.overlap(objects, relative, weights) if merging else objects

    def score(prediction: Any, terms: LossWeights) -> Any:
        return Loss(side.operations, terms)(prediction, X, scale, mask, labels)[0]

    prediction = side.predict(network, X, relative)
    found = {
        "merged": side.array(explain(patches)),
        "amplitude": side.array(network.diffract(explain(patches))),
        "network_patches": side.array(prediction.patches),
        "network_amplitude": side.array(prediction.amplitude),
        "stitched": _stitch(side, prediction.patches, arrays),
    }
    make = type(prediction)
    for name, terms in WEIGHTS.items():

        def loss(objects: Any, terms: LossWeights = terms) -> Any:
            merged = explain(objects)
            return score(make(merged, network.diffract(merged)), terms)

        value, found[f"slope_{name}"] = side.slope(loss, patches)
        found[f"loss_{name}"] = np.array(value)
    total = side.weight_slopes(network, lambda: score(side.predict(network, X, relative), EVERYTHING))
    found["weight_slopes"] = np.concatenate([total[name].ravel() for name in sorted(total)])
    return found


def _stitch(side: ModuleType, patches: Any, arrays: Arrays) -> np.ndarray:
    probe = arrays["probe"]
    flat = side.array(patches).reshape(-1, cases.N, cases.N)
    return stitch(flat, arrays["positions"], (np.abs(probe) ** 2).sum(0)).object


def compute_start(side: ModuleType) -> Arrays:
    """Give the weights that a fresh network of each architecture starts from."""
    probe = np.ones((1, cases.N, cases.N), np.complex64)
    return {
        f"{architecture}:{name}".replace("/", "|"): array
        for architecture in ("cnn", "unet")
        for name, array in side.export(side.build({"architecture": architecture}, probe, "float32")).items()
    }


def compute_scan(side: ModuleType, path: Path) -> Arrays:
    """Group a scan as a training does, and reconstruct it with fresh networks."""
    scan = RawData.from_file(path)
    normalisation = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probeGuess[None])
    probe = normalisation.probe(scan.probeGuess[None])
    found: Arrays = {}
    for gridsize in (1, 2, 3):
        groups = group_indices(scan.positions, gridsize=gridsize, neighbour_count=9, n_groups=8, seed=1)
        store = store_frames(scan, normalisation.amplitude_factor, np.unique(groups)).store
        served = Groups(scan, groups, store, labelled=True, phase_subtraction=False)
        batch = side.first_batch(served, store, len(groups))
        found |= {
            f"grouped_{name}_{gridsize}": array
            for name, array in zip(("X", "relative", "scan", "labels"), batch, strict=True)
        }
        for architecture in ("cnn", "unet"):
            settings = {"architecture": architecture, "gridsize": gridsize, "n_filters_scale": 1}
            network = side.TrainedNetwork(side.build(settings, probe, "float32"), scan)
            picture = reconstruct(network, normalisation, scan, PictureOptions(), Portions(batch_size=8))
            found[f"reconstructed_{architecture}_{gridsize}"] = picture.object
            found[f"explained_{architecture}_{gridsize}"] = picture.predicted
    return found


def compute_iterations(side: ModuleType) -> Arrays:
    """Retrieve a probe and refine a picture, with and without bad pixels."""
    arrays = cases.iteration_arrays()
    found: Arrays = {}
    for name, mask in (("all", None), ("masked", arrays["mask"])):
        positions, probe = arrays["positions"], arrays["probe"]
        measurement = Measurement(arrays["X"].__getitem__, positions, mask)
        retrieved = retrieve_probe(side.Sweeps(), measurement, probe, sweeps=3, seed=3)
        canvas = Canvas.around(positions, probe.shape[-1])
        start = arrays["picture"][: canvas.shape[0], : canvas.shape[1]]
        picture = Stitched(start, np.ones(start.shape, np.float32), canvas.origin_px)
        refined = refine(side.Sweeps(), measurement, picture, probe, sweeps=3, seed=3)
        found |= {f"retrieved_probe_{name}": retrieved.probe, f"retrieved_object_{name}": retrieved.object}
        found |= {f"refined_{name}": refined.object}
        found |= {f"misfits_{name}": np.array(retrieved.misfits + refined.misfits)}
    return found


def main(backend: str, folder: Path) -> None:
    """Compute everything and write it."""
    side = importlib.import_module(f"{backend}_side")
    out = folder / backend
    out.mkdir()
    np.savez(out / "start.npz", **compute_start(side))
    np.savez(out / "scan.npz", **compute_scan(side, folder / "scan.npz"))
    np.savez(out / "iterations.npz", **compute_iterations(side))
    for case in cases.network_cases():
        np.savez(out / f"{case.name}.npz", **compute_case(side, case))
    (out / "foreign.json").write_text(json.dumps(sorted(side.FOREIGN & sys.modules.keys())))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

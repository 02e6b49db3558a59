"""What both backends compute: networks, objects and measurements as numpy arrays, far from zero amplitude.

Shape legend: B groups, C positions of a group, P probe modes, N patch side.
"""

import itertools
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

N = 64
MODES = 2
GROUPS = 2
SCALE = 30.0
GAIN = 0.1
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}
LOSSES = ("nll", "mae", "tv", "labels")
SCAN_FRAMES = 49
ITERATION_FRAMES = 20


@dataclass(frozen=True)
class Case:
    """A network, and whether some pixels of the detector are bad.

    Attributes:
        name: Says what is special, fit for a file name.
        dtype: Precision of everything.
        settings: Values of a NetworkSettings.
        bad_pixels: Leave detector pixels out that hold no numbers.
    """

    name: str
    dtype: str
    settings: dict[str, Any] = field(hash=False)
    bad_pixels: bool


def network_cases() -> list[Case]:
    """List every combination of group size, padding, frame branch, merging and masks."""
    cases = []
    switches = itertools.product((1, 2, 3), (True, False), (True, False), (True, False), (True, False))
    for gridsize, pad, probe_big, object_big, masked in switches:
        shape = {"architecture": "cnn", "pad_object": pad, "probe_big": probe_big}
        cases += _both_precisions(shape, gridsize, object_big=object_big, masked=masked)
        if pad and probe_big:  # The unets know neither.
            kinds = ["unet", *["canvas_unet"] * (object_big and gridsize > 1)]
            for kind in kinds:
                cases += _both_precisions(
                    {"architecture": kind}, gridsize, object_big=object_big, masked=masked
                )
    attentive = {"architecture": "cnn", "cbam_encoder": True, "pad_object": True, "probe_big": True}
    attentive |= {"turn_frames": True}
    return cases + _both_precisions(attentive, 2, object_big=True, masked=False)


def _both_precisions(shape: dict[str, Any], gridsize: int, *, object_big: bool, masked: bool) -> list[Case]:
    switches = {
        "pad_object": "padded",
        "probe_big": "framed",
        "cbam_encoder": "attentive",
        "turn_frames": "turned",
    }
    words = [shape["architecture"], f"{gridsize}x{gridsize}"]
    words += [word for key, word in switches.items() if shape.get(key)]
    words += ["merged"] * object_big + ["masked"] * masked
    settings = shape | {
        "N": N,
        "gridsize": gridsize,
        "n_filters_scale": 1,
        "probe_modes": MODES,
        "object_big": object_big,
        "probe_mask": masked,
        "probe_trainable": True,
    }
    return [
        Case("-".join([*words, dtype]), dtype, settings, bad_pixels=masked)
        for dtype in ("float32", "float64")
    ]


def arrays_of(case: Case) -> dict[str, np.ndarray]:
    """Draw what a case works on; a white probe leaves no pixel of the detector dark."""
    rng = np.random.default_rng(zlib.crc32(case.name.rsplit("-", 1)[0].encode()))
    C = case.settings["gridsize"] ** 2
    probe = _noise(rng, MODES, N, N) * np.array([1.0, 0.4])[:, None, None]
    probe *= np.sqrt(2 * (N / 2) ** 2 / np.sum(np.abs(probe) ** 2))
    patches, labels = (_transmission(rng, GROUPS, C, N, N) for _ in range(2))
    offsets = rng.uniform(-4, 4, (GROUPS, C, 2))
    good = rng.random((N, N)) > 0.03 if case.bad_pixels else np.ones((N, N), bool)
    X = np.abs(_noise(rng, GROUPS, C, N, N)) * N / 2 / N + 0.1
    X[..., ~good] = np.nan
    real = np.dtype(case.dtype)
    arrays = {
        "X": X,
        "relative": offsets.mean(1, keepdims=True) - offsets,
        "positions": (100 + offsets).reshape(-1, 2),
        "patches": patches,
        "labels": labels,
        "probe": probe,
    }
    complex_ = np.result_type(real, np.complex64)
    typed = {name: a.astype(complex_ if np.iscomplexobj(a) else real) for name, a in arrays.items()}
    return typed | {"mask": good}


def weights_of(shapes: dict[str, tuple[int, ...]], arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Draw a value for each canonical name: kernels of the usual size, biases that are not zero."""
    found: dict[str, np.ndarray] = {
        "probe": arrays["probe"],
        "mask": arrays["mask"],
        "measured_scale": np.array(SCALE),
        "log_gain": np.array(GAIN),
    }
    for name, shape in shapes.items():
        if name not in found:
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            size = np.sqrt(2 / (np.prod(shape[:2]) * (shape[2] + shape[3]))) if len(shape) == 4 else 0.05
            found[name] = size * rng.standard_normal(shape)
    return found


def iteration_arrays() -> dict[str, np.ndarray]:
    """Draw frames, a picture and a probe without any smoothness, so that no phase is rounding."""
    rng, n = np.random.default_rng(5), 32
    return {
        "X": (1 + np.abs(rng.standard_normal((ITERATION_FRAMES, n, n)))).astype(np.float32),
        "positions": rng.uniform(20, 40, (ITERATION_FRAMES, 2)),
        "picture": (1 + 0.5 * _noise(rng, 52, 52)).astype(np.complex64),
        "probe": (_noise(rng, 3, n, n) * np.array([1, 0.6, 0.3])[:, None, None]).astype(np.complex64),
        "mask": rng.random((n, n)) > 0.05,
    }


def write_scan(path: Path) -> None:
    """Simulate the scan that both backends group and reconstruct."""
    from ptycho.simulate.scan import Simulation, simulate

    simulate(Simulation(n_frames=SCAN_FRAMES, seed=3, object_seed=4)).to_file(path)


def _noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)


def _transmission(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.0, shape) * np.exp(1j * rng.uniform(-1, 1, shape))

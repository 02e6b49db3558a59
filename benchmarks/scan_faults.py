"""What is wrong with scans, as functions that do it to a right one; `verdict.py` counts who finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ptycho.simulate.scan import Simulation, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = {"N": 32, "n_frames": 144, "jitter_px": 0.8, "step_px": 2.5}
"""The scans: 12 x 12 places that overlap well, so that hundreds of them are done in minutes."""


@dataclass
class Arrays:
    """A scan as its file would hold it.

    Attributes:
        x: Columns of the positions in pixels, shape (n,).
        y: Rows, shape (n,).
        counts: Photons, shape (n, N, N).
        probe: Its probe, shape (N, N) or (P, N, N).
        modes: Probe modes that a user asks for.
    """

    x: np.ndarray
    y: np.ndarray
    counts: np.ndarray
    probe: np.ndarray | None
    modes: int = 1


def scanned(settings: Simulation) -> tuple[Arrays, np.ndarray]:
    """Simulate a scan; give it and the object that it shows."""
    scan = simulate(settings)
    assert scan.objectGuess is not None
    arrays = Arrays(scan.xcoords, scan.ycoords, scan.diff3d, scan.probeGuess, settings.probe_modes)
    return arrays, scan.objectGuess


def _swapped(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.x, arrays.y = arrays.y, arrays.x


def _mirrored(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.x = arrays.x.max() + arrays.x.min() - arrays.x


def _flipped(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.counts = arrays.counts[:, ::-1].copy()


def _transposed(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.counts = arrays.counts.transpose(0, 2, 1).copy()


def _shuffled(arrays: Arrays, rng: np.random.Generator) -> None:
    order = rng.permutation(len(arrays.x))
    arrays.x, arrays.y = arrays.x[order], arrays.y[order]


def _scaled(factor: float) -> Callable[[Arrays, np.random.Generator], None]:
    def scale(arrays: Arrays, _rng: np.random.Generator) -> None:
        arrays.x, arrays.y = factor * arrays.x, factor * arrays.y

    return scale


def _rotated(arrays: Arrays, _rng: np.random.Generator) -> None:
    angle = np.deg2rad(10)
    x, y = arrays.x - arrays.x.mean(), arrays.y - arrays.y.mean()
    arrays.x = np.cos(angle) * x - np.sin(angle) * y + arrays.x.mean()
    arrays.y = np.sin(angle) * x + np.cos(angle) * y + arrays.y.mean()


def _drifted(arrays: Arrays, rng: np.random.Generator) -> None:
    time, direction = np.linspace(0, 1, len(arrays.x)), rng.uniform(0, 2 * np.pi)
    arrays.x = arrays.x + 5 * np.cos(direction) * time**2
    arrays.y = arrays.y + 5 * np.sin(direction) * time**2


def _jittered(arrays: Arrays, rng: np.random.Generator) -> None:
    arrays.x = arrays.x + 1.5 * rng.normal(size=len(arrays.x))
    arrays.y = arrays.y + 1.5 * rng.normal(size=len(arrays.y))


def _doubled(arrays: Arrays, _rng: np.random.Generator) -> None:
    count = len(arrays.x) // 2
    arrays.x[1::2][:count], arrays.y[1::2][:count] = arrays.x[::2][:count], arrays.y[::2][:count]


def _late(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.x, arrays.y = np.roll(arrays.x, 1), np.roll(arrays.y, 1)


def _radius(arrays: Arrays) -> np.ndarray:
    N = arrays.counts.shape[-1]
    return np.asarray(np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2)))


def _gaussian(arrays: Arrays, _rng: np.random.Generator) -> None:
    N = arrays.counts.shape[-1]
    arrays.probe = np.exp(-((_radius(arrays) / (0.06 * N)) ** 2)).astype(np.complex64)


def _disk(arrays: Arrays, _rng: np.random.Generator) -> None:
    N = arrays.counts.shape[-1]
    arrays.probe = (_radius(arrays) < 0.44 * N).astype(np.complex64)


def _few_modes(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.modes = 1


def _wrong_distance(arrays: Arrays, _rng: np.random.Generator) -> None:
    # An object pixel is proportional to the distance, and to the wavelength: pixels are fewer, the probe
    # smaller.
    arrays.x, arrays.y = arrays.x / 1.2, arrays.y / 1.2
    N = arrays.counts.shape[-1]
    modes = np.zeros((1, N, N)) if arrays.probe is None else np.atleast_3d(arrays.probe.T).T
    matrix, middle = np.eye(2) * 1.2, np.full(2, N // 2)
    arrays.probe = np.stack(
        [
            ndimage.affine_transform(mode, matrix, offset=middle - matrix @ middle, order=1).astype(
                np.complex64
            )
            for mode in modes
        ]
    )


def _dead_stripe(arrays: Arrays, _rng: np.random.Generator) -> None:
    N = arrays.counts.shape[-1]
    arrays.counts = arrays.counts.copy()
    arrays.counts[:, :, N // 2 + 3 : N // 2 + 5] = 0


def _uneven_pixels(arrays: Arrays, rng: np.random.Generator) -> None:
    gain = rng.uniform(0.3, 1.0, arrays.counts.shape[1:])
    arrays.counts = rng.binomial(arrays.counts.astype(np.int64), gain).astype(np.uint32)


def _saturated(arrays: Arrays, _rng: np.random.Generator) -> None:
    bright = arrays.counts[arrays.counts > 0]
    arrays.counts = np.minimum(arrays.counts, max(1, int(np.quantile(bright, 0.85)))).astype(np.uint32)


def _background(arrays: Arrays, rng: np.random.Generator) -> None:
    level = 0.5 * arrays.counts.mean()
    arrays.counts = (arrays.counts + rng.poisson(level, arrays.counts.shape)).astype(np.uint32)


def _two_samples(arrays: Arrays, rng: np.random.Generator) -> None:
    other, _ = scanned(
        Simulation(**SMALL, seed=int(rng.integers(1 << 30)), object_seed=int(rng.integers(1 << 30)))
    )
    rows = rng.permutation(len(arrays.x))[: len(arrays.x) // 2]
    share = min(1.0, arrays.counts.sum() / other.counts.sum())
    arrays.counts = arrays.counts.copy()
    arrays.counts[rows] = rng.binomial(other.counts[rows].astype(np.int64), share)


def _dark_frames(arrays: Arrays, rng: np.random.Generator) -> None:
    arrays.counts = arrays.counts.copy()
    arrays.counts[rng.permutation(len(arrays.x))[:15]] = 0


def _photons(arrays: Arrays, rng: np.random.Generator) -> None:
    share = rng.uniform(0.5, 5) / arrays.counts.sum(axis=(1, 2)).mean()
    arrays.counts = rng.binomial(arrays.counts.astype(np.int64), min(share, 1.0)).astype(np.uint8)


FAULTS: dict[str, Callable[[Arrays, np.random.Generator], None]] = {
    "x and y swapped": _swapped,
    "x mirrored": _mirrored,
    "frames flipped": _flipped,
    "frames transposed": _transposed,
    "positions shuffled": _shuffled,
    "positions one frame late": _late,
    "positions doubled": _doubled,
    "positions drift by 5 px": _drifted,
    "positions jitter by 1.5 px": _jittered,
    "positions turned by 10 degrees": _rotated,
    "positions 5 % too far apart": _scaled(1.05),
    "positions 2.5 times apart": _scaled(2.5),
    "positions 0.4 times apart": _scaled(0.4),
    "distance wrong by 20 %": _wrong_distance,
    "probe: a Gaussian": _gaussian,
    "probe: a disk": _disk,
    "one mode in place of several": _few_modes,
    "dead stripe": _dead_stripe,
    "pixels of uneven gain": _uneven_pixels,
    "saturated": _saturated,
    "half of another sample": _two_samples,
    "15 dark frames": _dark_frames,
    "background": _background,
    "a few photons": _photons,
}

"""Random scans of random objects under random beams, each with its answer: what a network for all is taught.

Shape legend: n frames, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ptycho.physics.canvas import Canvas
from ptycho.scan.forward import cut_patches, scan_amplitudes
from ptycho.settings.registries import OBJECTS
from ptycho.simulate.kinds import Image, ObjectKind
from ptycho.simulate.trajectories import Trajectory, draw_positions

from .beams import draw_beam, misjudge

SIDES = (64, 64, 64, 64, 64, 48, 80, 96, 128)
"""Frame sides that are drawn from."""

PIXELS = 72 * 64**2
"""Pixels of all frames of a lesson at most: what a step costs."""

MARGIN = 3
"""Pixels of object around the canvas, for positions that were written down wrong."""

ENERGY_RATIOS = (1.0, 3.2)
"""Energies of the probe that are drawn, in those of a mean frame: see `ptycho.physics.scale`."""


@dataclass(frozen=True)
class Lesson:
    """One scan, what is known about it, and what is to be found.

    Attributes:
        measured: Noisy amplitudes, normalised as `ptycho.physics.scale` does, shape (n, N, N), float32.
        expected: The same without noise.
        positions: Patch centres [x, y] as they were written down, shape (n, 2).
        probe: The modes as they are known, on the network's scale, shape (P, N, N), complex64.
        true_probe: As they are.
        object: What is to be found, on the canvas, shape (H, W), complex64.
        canvas: The smallest that holds all patches, rounded to whole pixels.
        nphotons: Mean photons of a frame.
    """

    measured: NDArray[np.float32]
    expected: NDArray[np.float32]
    positions: NDArray[np.float64]
    probe: NDArray[np.complex64]
    true_probe: NDArray[np.complex64]
    object: NDArray[np.complex64]
    canvas: Canvas
    nphotons: float


def draw_lesson(seed: int, number: int) -> Lesson:
    """Draw the lesson of a number; equal numbers give equal lessons."""
    rng = np.random.default_rng([seed, number])
    N = int(rng.choice(SIDES))
    true_probe = draw_beam(N, rng)
    where = _draw_path(N, true_probe, rng)
    canvas = around(where, N)
    picture = draw_sample((canvas.shape[0] + 2 * MARGIN, canvas.shape[1] + 2 * MARGIN), rng)
    patches = cut_patches(picture, where - canvas.origin_px + MARGIN, N)
    amplitudes = scan_amplitudes(patches, true_probe)
    energy = float(np.mean(np.sum(np.square(amplitudes, dtype=np.float64), axis=(1, 2))))
    expected = amplitudes * (N / 2 / math.sqrt(energy))
    # The ratio says how bright the object is; one that brings its brightest pixel above 1 cannot be answered.
    brightest = float(np.abs(picture).max()) ** 2 / energy
    ratio = brightest * max(1.0, rng.uniform(*ENERGY_RATIOS) / brightest)
    probe = true_probe * (N / 2 * math.sqrt(ratio))
    nphotons = float(10 ** rng.uniform(3.0, 9.0))
    scale = math.sqrt(nphotons) / (N / 2)
    measured = np.sqrt(rng.poisson(np.square(scale * expected, dtype=np.float64))) / scale
    known = misjudge(probe, rng, rng.uniform(0.0, 0.8)) if rng.random() < 0.4 else probe
    inner = picture[MARGIN:-MARGIN, MARGIN:-MARGIN] / math.sqrt(energy * ratio)
    return Lesson(
        measured=measured.astype(np.float32),
        expected=expected.astype(np.float32),
        positions=where,
        probe=known.astype(np.complex64),
        true_probe=probe.astype(np.complex64),
        object=inner.astype(np.complex64),
        canvas=canvas,
        nphotons=nphotons,
    )


def around(positions: NDArray[np.float64], N: int) -> Canvas:
    """Span the canvas of all patches at positions rounded to whole pixels."""
    return Canvas.around(np.floor(positions + 0.5), N)


def _draw_path(N: int, probe: NDArray[np.complexfloating], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw steps of a quarter to twice the beam's radius; every tenth scan is a few shots."""
    axis = np.square(np.arange(N) - N // 2)
    light = (np.abs(probe) ** 2).sum(axis=0)
    radius = math.sqrt(float((light * (axis[:, np.newaxis] + axis)).sum() / light.sum()))
    most = PIXELS // N**2
    count = int(rng.integers(1, 5)) if rng.random() < 0.1 else int(rng.integers(max(4, most // 3), most + 1))
    step = float(np.clip(radius * math.exp(rng.uniform(math.log(0.25), math.log(1.8))), 1.5, 0.35 * N))
    trajectory: Trajectory = "raster" if rng.random() < 0.5 else "spiral"
    positions = draw_positions(trajectory, count, step, 0.3 * step, rng)
    return np.rint(positions) if rng.random() < 0.7 else positions


def draw_sample(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.complex64]:
    """Draw an object: amplitude and phase alike or unrelated, of one family or two, over slow phases."""
    names = list(OBJECTS)
    first = _draw_image(str(rng.choice(names)), shape, rng)
    alike = rng.random() < 0.4
    second = first if alike else _draw_image(str(rng.choice(names)), shape, rng)
    if rng.random() < 0.3:
        first = 1 - first
    low = rng.uniform(0.2, 1.0)
    high = min(1.0, rng.uniform(low, 1.15))
    span = rng.uniform(0.2, 4.0)
    phase = span * (second - 0.5) + _slow_phase(shape, rng)
    drawn: NDArray[np.complex64] = ((low + (high - low) * first) * np.exp(1j * phase)).astype(np.complex64)
    return drawn


def _slow_phase(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    noise = ndimage.gaussian_filter(
        rng.standard_normal(shape), math.exp(rng.uniform(1.8, 3.7)), mode="reflect"
    )
    spread = max(float(noise.std()), 1e-9)
    slow: NDArray[np.float64] = rng.uniform(0.0, 0.8) * noise / spread
    return slow


def _draw_image(family: str, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Draw a picture of a family between 0 and 1."""
    kind: ObjectKind = OBJECTS[family]
    image = kind.draw(shape, rng)
    low, high = np.percentile(image, (0.5, 99.5))
    stretched: Image = np.clip((image - low) / max(float(high - low), 1e-12), 0.0, 1.0)
    return stretched

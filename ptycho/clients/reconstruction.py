"""Reconstruct a scan without a network: `ptycho.reconstruct`, and what the command line calls."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.backends.every_scan import open_for_every_scan
from ptycho.physics.canvas import Canvas, cut
from ptycho.physics.fourier import far_field_amplitude
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import measure
from ptycho.physics.stitch import Stitched
from ptycho.reconstruction.enough_frames import enough_frames
from ptycho.reconstruction.from_frames import Picture, reconstruct_frames
from ptycho.reconstruction.iteration import Measurement
from ptycho.reconstruction.picture import SHOWN_FRAMES, place_scan
from ptycho.reconstruction.positions_fit import stage_error
from ptycho.reconstruction.refinement import on_canvas
from ptycho.reconstruction.result import Reconstruction
from ptycho.reconstruction.starts import NETWORK
from ptycho.run.resolve import NO_NETWORK, resolve_run
from ptycho.run.stages import count, in_notebook, stage, telling
from ptycho.scan.frame_store import normalised_ceiling, store_frames
from ptycho.scan.raw_data import RawData, require_one_scan
from ptycho.settings.data import ScanOptions
from ptycho.zoo.every_scan import PACKAGED
from ptyconf.errors import error_text
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from ptycho.physics.scale import Normalisation
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptyconf import Resolution

logger = logging.getLogger(__name__)

SWEEPS_ALONE = mapping.layer(
    "cli-defaults", {"inference.backend": "pytorch", "inference.refine_epochs": "auto"}
)
"""Sweeps alone need a library that comes up fast: importing TensorFlow takes longer than most of them."""

IN_NOTEBOOK = mapping.layer("cli-defaults", {"execution.enable_progress_bar": True})
"""A cell that says nothing for a minute looks like one that hangs; a program's library call stays silent."""

OVERLAP = 1.5
"""Light on the best lit pixel, in units of one frame's brightest, below which frames do not overlap."""

FEWEST_FRAMES = 2
"""A single frame has no overlap: what it leaves open nothing else closes."""

SMALLEST_SIDE = 16


def reconstruct(
    scan: RawData | str | os.PathLike[str], settings: Mapping[str, Any] | None = None
) -> Reconstruction:
    """Reconstruct a scan from its frames alone: no training, no network.

    Args:
        scan: A scan, or its file.
        settings: Values by path, such as {"model.probe_modes": 3, "inference.refine_epochs": 40}; without
            them the number of sweeps follows noise and misfit, and PyTorch computes. In a notebook lines
            tell how far it is, unless "execution.enable_progress_bar" is false.

    Returns:
        The picture with probe, coverage, positions and a few frames, measured and predicted.

    Raises:
        ConfigError: A setting is wrong.
        ValueError: The scan cannot be reconstructed.
    """
    overrides = dict(settings or {})
    if not isinstance(scan, RawData):
        overrides["inference.test_data_file"] = Path(scan)
    extra = [SWEEPS_ALONE, *([IN_NOTEBOOK] if in_notebook() else [])]
    resolution = resolve_run("infer", overrides=overrides, extra_layers=extra, network=False)
    with telling(on=bool(resolution["execution.enable_progress_bar"])):
        if not isinstance(scan, RawData):
            with stage("reading the scan"):
                scan = RawData.from_file(Path(scan), options=resolution.build(ScanOptions))
        with stage("reconstructing"):
            return reconstruct_scan(scan, resolution)


def reconstruct_scan(scan: RawData, resolution: Resolution) -> Reconstruction:
    """Reconstruct a scan from its frames alone, as settings ask for.

    Raises:
        ValueError: The scan cannot be reconstructed.
    """
    require_one_scan(scan)
    _require_enough(scan)
    scan = place_scan(resolution, scan)
    notes: list[str] = []
    modes = int(resolution["model.probe_modes"])
    given = _probe_of(scan, modes, notes)
    dose = float(resolution["training.nphotons"]) if scan.quantity == "amplitude" else None
    normalisation = measure(scan.mean_square(), scan.N, scan.quantity, dose, given)
    stored = store_frames(scan, normalisation.amplitude_factor, np.arange(scan.n_frames))
    ceiling = normalised_ceiling(scan, normalisation.amplitude_factor)
    measurement = Measurement(stored.store.frames, scan.positions, scan.mask, ceiling)
    asked = resolution["inference.refine_epochs"]
    backend = load_backend(str(resolution["inference.backend"]))
    start = (
        None if resolution["inference.start"] == NO_NETWORK else _start_of_network(scan, resolution, notes)
    )

    def sweep_from(start: Stitched | None, sweeps: int | None, library: SweepLibrary) -> Picture:
        return reconstruct_frames(
            library,
            measurement,
            normalisation.probe(given),
            counts_of_unit=normalisation.intensity_scale**2,
            sweeps=sweeps,
            correct_positions=bool(resolution["inference.correct_positions"]),
            smoothing=float(resolution["inference.smoothing"]),
            start=start,
            on_sweep=_tell_sweep,
        )

    began = time.perf_counter()
    sweeps = None if asked == "auto" else max(1, int(asked))
    picture = backend.with_sweeps(resolution, partial(sweep_from, start, sweeps))
    seconds = time.perf_counter() - began
    notes += [*normalisation.notes(), _story(picture, scan, seconds)]
    if picture.coverage.max() < OVERLAP:
        logger.warning(
            "the frames hardly overlap: nothing ties their phases together, and the picture may be wrong"
        )
    if resolution["inference.correct_positions"]:
        notes.append(f"positions were corrected: {stage_error(scan.positions, picture.positions)}")
    for note in notes:
        logger.info("%s", note)
    reconstruction = _reconstruction(scan, normalisation, picture, notes)
    if start is None:
        return reconstruction
    network, flat = on_canvas(start, _canvas_of(picture))[0], None
    if resolution["inference.compare_flat"]:
        flat = backend.with_sweeps(resolution, partial(sweep_from, None, len(picture.misfits))).object
    return replace(reconstruction, network_object=network, flat_object=flat, refined_from=NETWORK)


def _tell_sweep(number: int, misfit: float) -> None:
    count(number, None, f"sweeps, misfit {misfit:.3g}")
    logger.debug("sweep %d: misfit %.4g", number, misfit)


def _story(picture: Picture, scan: RawData, seconds: float) -> str:
    return (
        f"{len(picture.misfits)} sweeps over {scan.n_frames} frames took {seconds:.1f} s: "
        f"misfit {picture.misfits[0]:.3g} to {picture.misfits[-1]:.3g}, where photon noise alone makes about "
        f"{picture.noise:.2g}"
    )


def _canvas_of(picture: Picture) -> Canvas:
    height, width = picture.object.shape
    return Canvas(picture.origin_px, (height, width))


def _start_of_network(scan: RawData, resolution: Resolution, notes: list[str]) -> Stitched:
    """Let a network for every scan make the picture that the sweeps start from.

    Raises:
        ValueError: There is no such network, or it does not take the scan.
    """
    word, name = str(resolution["inference.start"]), str(resolution["inference.backend"])
    opened = open_for_every_scan(Path(word))
    if opened is None:
        raise ValueError(
            error_text(
                f"inference.start = {word!r} is neither a packaged network nor a file of weights",
                expected=f"{NO_NETWORK}, {', '.join(PACKAGED)}, or a file of `make zoo`",
                hint=f"inference.start = {NO_NETWORK}, which needs no network",
            )
        )
    wanted = {"inference.refine_epochs": 0, "execution.pad_eval": True}
    alone = resolution.with_layer(mapping.layer("measured", wanted))
    began = time.perf_counter()
    network = opened.for_scan(scan, resolution)
    chosen = enough_frames(scan.positions, network.bundle.probe)
    part = scan if len(chosen) == scan.n_frames else scan.subset(chosen)
    made = load_backend(name).reconstruct(network.load(name), alone, part)
    frames = f"{len(chosen)} of {scan.n_frames} frames, " if part is not scan else ""
    notes.append(
        f"the sweeps start from the picture of the network {word!r} "
        f"({frames}{time.perf_counter() - began:.1f} s)"
    )
    x, y = (int(value) for value in made.origin_px)
    return Stitched(made.object, made.coverage, (x, y))


def _require_enough(scan: RawData) -> None:
    if scan.n_frames < FEWEST_FRAMES or scan.N < SMALLEST_SIDE:
        raise ValueError(
            error_text(
                f"{scan.source or 'the scan'} has {scan.n_frames} frames of {scan.N} x {scan.N} pixels",
                expected=f"{FEWEST_FRAMES} frames or more, a side of {SMALLEST_SIDE} pixels or more",
                hint="more frames that overlap: a single one does not tell its phases",
            )
        )


def _probe_of(scan: RawData, modes: int, notes: list[str]) -> NDArray[np.complex64]:
    """Give the scan's probe as many modes as are asked for, in the file's unit."""
    probe = scan.probe_modes
    if probe is None:
        probe = _probe_of_mean_frame(scan)
        notes.append("the scan has no probe: sweeps start from the square root of the mean frame, in focus")
    if modes > scan.n_frames:
        raise ValueError(
            error_text(
                f"model.probe_modes = {modes}, and the scan has {scan.n_frames} frames",
                expected="fewer modes than frames",
                hint="model.probe_modes = 1",
            )
        )
    if len(probe) > modes:
        notes.append(f"the first {modes} of the file's {len(probe)} probe modes are used")
        return np.asarray(probe[:modes], np.complex64)
    if len(probe) < modes:
        notes.append(f"{modes - len(probe)} weak orthogonal probe modes join the file's {len(probe)}")
    return orthogonal_modes(np.asarray(probe), modes).astype(np.complex64)


def _probe_of_mean_frame(scan: RawData) -> NDArray[np.complex64]:
    """Send the square root of the mean frame back to the sample, all of its phases zero."""
    total = np.zeros((scan.N, scan.N))
    for start in range(0, scan.n_frames, 256):
        rows = np.arange(start, min(start + 256, scan.n_frames))
        total += np.square(scan.amplitudes(rows), dtype=np.float64).sum(axis=0)
    far = np.fft.ifftshift(np.sqrt(total / scan.n_frames))
    probe: NDArray[np.complex64] = np.fft.fftshift(np.fft.ifft2(far, norm="ortho")).astype(np.complex64)
    return probe[np.newaxis]


def _reconstruction(
    scan: RawData, normalisation: Normalisation, picture: Picture, notes: list[str]
) -> Reconstruction:
    shown = np.unique(np.linspace(0, scan.n_frames - 1, min(SHOWN_FRAMES, scan.n_frames)).astype(np.int64))
    patches = cut(picture.object, picture.positions[shown], scan.N, origin_px=picture.origin_px)
    factor, scale = normalisation.amplitude_factor, normalisation.intensity_scale
    return Reconstruction(
        object=picture.object,
        coverage=picture.coverage,
        origin_px=np.asarray(picture.origin_px, np.float64),
        positions=picture.positions,
        probe=picture.probe,
        frame_indices=shown,
        measured=scan.amplitudes(shown) * np.float32(factor * scale),
        predicted=(far_field_amplitude(patches, picture.probe) * scale).astype(np.float32),
        notes=tuple(notes),
        lengths_m=scan.lengths_m(),
    )

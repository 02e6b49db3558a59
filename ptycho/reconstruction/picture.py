"""Reconstruct a scan with a trained network, whichever backend runs it.

Shape legend: n positions, P probe modes, N patch side, H and W rows and columns of the picture.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho.network.precision import Precision, settle_precision
from ptycho.physics.arrays import Complex
from ptycho.physics.canvas import cut
from ptycho.physics.scale import Normalisation
from ptycho.physics.stitch import Stitched, stitch
from ptycho.reconstruction.result import Reconstruction
from ptycho.run.stages import step
from ptycho.scan.frame_store import normalised_ceiling, store_frames
from ptycho.scan.raw_data import RawData
from ptycho.settings.execution import PyTorchExecutionConfig
from ptyconf import Resolution
from ptyconf.errors import error_text

from .groups import Portions, infer_patches
from .iteration import Measurement
from .positions_fit import stage_error
from .prediction import predict_frames
from .refinement import flat_like, refine
from .retrieved_picture import RetrievedPicture
from .starts import NETWORK, Start, refine_best, starts_of
from .sweeps_schedule import SMOOTHING
from .trained_network import TrainedNetwork
from .whole_scan import reconstruct_whole

logger = logging.getLogger(__name__)

SHOWN_FRAMES = 4
"""Frames whose measured and predicted diffraction a reconstruction carries."""

RIM_LEVEL = 0.01
"""Coverage, as a share of the best covered pixel, below which the rim of the picture is cut off."""


@dataclass(frozen=True)
class PictureOptions:
    """What is wanted of a reconstruction beside the picture.

    Attributes:
        middle_trim: Pixels cut from each side of a patch before it is stitched.
        pad_eval: Keep the rim of the picture, where border patches hardly reach; otherwise it is cut off.
        refine_epochs: Sweeps of iterative refinement against all frames; 0 shows the network alone, "auto"
            lets the misfit decide.
        learn_probe: Let these sweeps move the probe, too.
        correct_positions: Let these sweeps move each frame to where it fits best.
        smoothing: How strongly these sweeps draw pixels together that noise does not tell apart.
        compare_flat: Let the same sweeps start without the network, too, to show what it adds.
        patch_weighting: "probe" weighs the pixels of a patch by their illumination, "uniform" all alike.
        threads: CPU threads of one tensor operation, and beside each other in sweeps; None takes one for
            operations, as a reproducible training does, and for sweeps as many as the backend chooses.
        precision: Floating point of the network's convolutions.
        debug: Log what is decided on the way, step by step.
    """

    middle_trim: int = 0
    pad_eval: bool = False
    refine_epochs: int | Literal["auto"] = 0
    learn_probe: bool = False
    correct_positions: bool = False
    smoothing: float = SMOOTHING
    compare_flat: bool = False
    patch_weighting: str = "probe"
    threads: int | None = None
    precision: Precision = "32-true"
    debug: bool = False

    @classmethod
    def of(cls, resolution: Resolution, execution: PyTorchExecutionConfig) -> "PictureOptions":
        """Read them off the settings of a run."""
        return cls(
            middle_trim=execution.middle_trim,
            pad_eval=execution.pad_eval,
            refine_epochs=resolution["inference.refine_epochs"],
            learn_probe=bool(resolution["inference.learn_probe"]),
            correct_positions=bool(resolution["inference.correct_positions"]),
            smoothing=float(resolution["inference.smoothing"]),
            compare_flat=bool(resolution["inference.compare_flat"]),
            patch_weighting=str(resolution["inference.patch_weighting"]),
            threads=execution.threads,
            precision=settle_precision(execution)[0],
            debug=bool(resolution["inference.debug"]),
        )


def batch_size_of(execution: PyTorchExecutionConfig, inference_batch_size: int) -> int:
    """Take `execution.inference_batch_size`, else the batch size of inference."""
    return execution.inference_batch_size or inference_batch_size


def place_scan(resolution: Resolution, scan: RawData) -> RawData:
    """Lay the frames at their measured positions, or at the nominal ones where the settings ask for them."""
    return scan if resolution["training.positions_provided"] else scan.at_nominal_positions()


def reconstruct(
    trained: TrainedNetwork,
    normalisation: Normalisation,
    scan: RawData,
    options: PictureOptions,
    portions: Portions,
    retrieved: Sequence[RetrievedPicture] = (),
) -> Reconstruction:
    """Turn every frame of a scan into its patch of the object, and the patches into one picture.

    Each position contributes the patch of its own frame. A network for groups sees it together with its
    nearest neighbours, as in training. The free phases of the patches are made to agree before they are
    summed with the probe's intensity as weights.

    Args:
        trained: A network, made ready for this scan.
        normalisation: Scales of the scan that it was trained on; the amplitudes of another scan are brought
            to the same mean energy.
        scan: What to reconstruct.
        options: What is wanted beside the picture.
        portions: How the work is cut.
        retrieved: Pictures that the training retrieved with the probes of its scans: sweeps start from that
            of this very scan, too, and what explains the frames better is taken.

    Returns:
        The picture with everything that is needed to judge it; after a refinement also what the network
        alone had made of it.

    Raises:
        ValueError: Frames, trim or groups do not fit the network.
    """
    require_fitting(scan, trained.settings.N, options.middle_trim)
    with _debug_messages(on=options.debug):
        return _reconstruct(trained, normalisation, scan, options, portions, retrieved)


@contextmanager
def _debug_messages(*, on: bool) -> Iterator[None]:
    """Let this module's debug messages through for a while."""
    before = logger.level
    if on:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reconstruct(
    trained: TrainedNetwork,
    normalisation: Normalisation,
    scan: RawData,
    options: PictureOptions,
    portions: Portions,
    retrieved: Sequence[RetrievedPicture],
) -> Reconstruction:
    n = scan.n_frames
    notes = [f"{n} positions, each with the patch of its own frame"]
    if options.precision != "32-true":
        notes.append(f"the network's convolutions are computed in {options.precision}")
    factor, scale = scales(normalisation, scan, notes)
    stored = store_frames(scan, factor, np.arange(n))
    logger.debug("%s; X = %.6g * amplitude, sqrt(counts) = %.6g * X", stored.note, factor, scale)
    logger.debug(
        "groups of %d, %d at a time on %s", trained.settings.positions, portions.batch_size, trained.device
    )
    shown = np.unique(np.linspace(0, n - 1, min(SHOWN_FRAMES, n)).astype(np.int64))
    probe = trained.probe()
    if trained.settings.kind.whole_scan:
        whole = reconstruct_whole(trained, stored.store.frames, scan.positions)
        predicted = _predict(trained, whole.object, whole.origin_px, scan.positions[shown])
    else:
        inferred = infer_patches(trained, stored.store, scan.positions, shown, portions)
        whole = _stitch(inferred.patches, scan, _weights(probe, options))
        predicted = np.stack([inferred.predicted[index] for index in shown.tolist()])
    made = _Pictures(whole.object, probe, np.asarray(scan.positions, np.float64), predicted)
    if options.refine_epochs != 0:
        ceiling = normalised_ceiling(scan, factor)
        frames = Measurement(stored.store.frames, scan.positions, scan.mask, ceiling)
        network = Start(NETWORK, whole, trained.gain() * probe)
        starts = starts_of(network, retrieved, scan)
        with step("refining the picture"):
            made, told = _refine(starts, trained, frames, options, scale**2, shown)
        notes += told
    window = _window(whole, keep_rim=options.pad_eval)
    logger.debug("canvas %d x %d, origin [x, y] = %s", *whole.object.shape, list(whole.origin_px))
    for note in notes:
        logger.debug("%s", note)
    return Reconstruction(
        object=made.object[window].astype(np.complex64),
        coverage=whole.coverage[window],
        origin_px=np.add(whole.origin_px, (window[1].start, window[0].start)).astype(np.float64),
        positions=made.positions,
        probe=made.probe,
        frame_indices=shown,
        measured=scan.amplitudes(shown) * np.float32(factor * scale),
        predicted=(made.predicted * scale).astype(np.float32),
        notes=tuple(notes),
        network_object=whole.object[window].astype(np.complex64) if made.refined_from else None,
        flat_object=None if made.flat_object is None else made.flat_object[window],
        refined_from=made.refined_from,
        lengths_m=scan.lengths_m(),
    )


def _stitch(patches: Complex, scan: RawData, weights: NDArray[np.float32]) -> Stitched:
    """Let the free phases of patches agree, and lay them down."""
    # scipy's sparse matrices take longer to import than the sweeps of a small scan: without a network nobody
    # waits for them.
    from ptycho.physics.synchronise import synchronise_phases

    return stitch(synchronise_phases(patches, scan.positions, weights), scan.positions, weights)


def _predict(
    trained: TrainedNetwork,
    picture: Complex,
    origin_px: tuple[int, int],
    positions: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Predict the amplitudes of frames, in the units of X, from a picture."""
    patches = cut(picture, positions, trained.settings.N, origin_px=origin_px)
    return trained.diffract(patches.astype(np.complex64))


def require_fitting(scan: RawData, N: int, middle_trim: int) -> None:
    """Accept a scan whose frames are of the network's size, and a trim that leaves something.

    Raises:
        ValueError: They do not fit.
    """
    if scan.N != N:
        crop = f"data.crop_px = {N}, or " if scan.N > N else ""
        raise ValueError(
            error_text(
                f"the frames of {scan.source or 'the scan'} have {scan.N} x {scan.N} pixels, and the network "
                f"was made for {N} x {N}",
                expected=f"frames of {N} x {N} pixels after data.crop_px and data.bin",
                hint=f"{crop}a network trained with model.N = {scan.N}",
            )
        )
    if not 0 <= 2 * middle_trim < N:
        raise ValueError(
            error_text(
                f"middle_trim = {middle_trim} leaves nothing of a patch of {N} x {N} pixels",
                expected=f"0 to {N // 2 - 1}",
                hint="execution.middle_trim = 0",
            )
        )


def scales(normalisation: Normalisation, scan: RawData, notes: list[str]) -> tuple[float, float]:
    """Give the factor from this scan's amplitudes to X, and sqrt(counts) for each unit of X.

    Args:
        normalisation: Scales of the scan that the network was trained on.
        scan: The scan at hand.
        notes: Takes a sentence where the energies differ.
    """
    ratio = scan.mean_square() / normalisation.mean_square
    factor = normalisation.amplitude_factor / np.sqrt(ratio)
    if not np.isclose(ratio, 1, rtol=0.05):
        notes.append(
            f"frames have {ratio:.3g} times the energy of those trained on; the factor allows for it"
        )
    scale = normalisation.intensity_scale
    if scan.quantity == "counts":
        scale = 1 / factor
    return float(factor), float(scale)


def _weights(probe: NDArray[np.complex64], options: PictureOptions) -> NDArray[np.float32]:
    """Give |P|² of all modes, or 1 everywhere, cut at the border."""
    intensity: NDArray[np.float32] = (probe.real**2 + probe.imag**2).sum(axis=0)
    chosen = np.ones_like(intensity) if options.patch_weighting == "uniform" else intensity
    weights = np.zeros_like(intensity)
    inner = slice(options.middle_trim, intensity.shape[0] - options.middle_trim)
    weights[inner, inner] = chosen[inner, inner]
    return weights


class _Pictures(NamedTuple):
    """What was made of the frames, on the canvas of all of them.

    Attributes:
        object: The final picture, shape (H, W).
        probe: Modes on the network's scale, without its learned gain where it takes part, shape (P, N, N).
        positions: Patch centres [x, y] in pixels, corrected where that was asked for, shape (n, 2).
        predicted: Amplitudes of the frames that are shown, in the units of X.
        flat_object: What the same sweeps make without the network's picture; None where nobody asks.
        refined_from: What made the picture that sweeps refined; "" where none did.
    """

    object: Complex
    probe: NDArray[np.complex64]
    positions: NDArray[np.float64]
    predicted: NDArray[np.float32]
    flat_object: NDArray[np.complex64] | None = None
    refined_from: str = ""


def _refine(
    starts: Sequence[Start],
    trained: TrainedNetwork,
    frames: Measurement,
    options: PictureOptions,
    counts_of_unit: float,
    shown: NDArray[np.int64],
) -> tuple[_Pictures, list[str]]:
    """Move pictures, the network's first, towards what all frames measured; take the best, and say how."""
    refine_picture = partial(
        refine,
        trained.sweeps(options.threads),
        frames,
        learn_probe=options.learn_probe,
        correct_positions=options.correct_positions,
        counts_of_unit=counts_of_unit,
        smoothing=options.smoothing,
    )
    sweeps = None if options.refine_epochs == "auto" else options.refine_epochs
    start, refined, notes = refine_best(
        starts, lambda start: refine_picture(picture=start.picture, probe=start.probe, sweeps=sweeps)
    )
    misfits, network, flat = refined.misfits, starts[0], None
    logger.debug("misfit after each sweep: %s", ", ".join(f"{misfit:.4g}" for misfit in misfits))
    if options.compare_flat:
        empty = flat_like(network.picture)
        flat = refine_picture(picture=empty, probe=network.probe, sweeps=len(misfits))
        notes.append(
            f"without the network the same sweeps lead from misfit {flat.misfits[0]:.3g} to "
            f"{flat.misfits[-1]:.3g}"
        )
    if options.correct_positions:
        nominal = np.asarray(frames.positions, np.float64)
        notes.append(f"positions were corrected: {stage_error(nominal, refined.positions)}")
    at, origin_px, probe = refined.positions[shown], start.picture.origin_px, trained.probe()
    if options.learn_probe or options.correct_positions or start is not network:
        # A frame that moved may reach beyond the picture.
        predicted = predict_frames(refined.object, origin_px, refined.probe, at)
        probe = refined.probe / np.float32(trained.gain() if start is network else 1)
    else:
        predicted = _predict(trained, refined.object, origin_px, at)
    without = None if flat is None else flat.object
    return _Pictures(refined.object, probe, refined.positions, predicted, without, start.maker), notes


def _window(whole: Stitched, *, keep_rim: bool) -> tuple[slice, slice]:
    """Choose rows and columns: all, or those in which some pixel is covered."""
    height, width = whole.coverage.shape
    if keep_rim:
        return slice(0, height), slice(0, width)
    bright = whole.coverage >= RIM_LEVEL * whole.coverage.max()
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

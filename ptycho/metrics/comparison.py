"""Hold a reconstruction against the object in its scan file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ptycho.metrics.align import align, common_area, even_coverage
from ptycho.metrics.frc import Frc, frc
from ptycho.metrics.scores import Scores, score_aligned, twin_fits_better

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ptycho.physics.arrays import Complex, Mask
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData


@dataclass(frozen=True)
class Comparison:
    """How a reconstruction compares with a reference, and the two pictures side by side.

    Attributes:
        scores: Amplitude and phase after alignment.
        ring_correlation: Fourier ring correlation against the reference, threshold 0.5.
        reconstruction: Aligned picture, shape (H, W).
        reference: The reference on the same pixels, shape (H, W).
        mask: True where both are compared, shape (H, W).
    """

    scores: Scores
    ring_correlation: Frc
    reconstruction: Complex
    reference: Complex
    mask: Mask


def compare(reconstruction: Reconstruction, scan: RawData) -> Comparison | None:
    """Align a reconstruction with the object in the scan file and score it.

    Args:
        reconstruction: What inference gave for this scan.
        scan: The scan that was reconstructed.

    Returns:
        The comparison, or None when the file holds no object.

    Raises:
        ValueError: The two pictures share too little to be compared.
    """
    if scan.object_truth is None:
        return None
    x, y = (float(value) for value in reconstruction.origin_px)
    coverage = even_coverage(reconstruction.coverage, reconstruction.positions, (x, y))
    ours, reference, mask = common_area(reconstruction.object, coverage, (x, y), scan.object_truth)
    aligned = align(ours, reference, mask)
    ring = frc(
        aligned.reconstruction,
        aligned.reference,
        mask=aligned.mask,
        against="truth",
        pixel_size_m=scan.object_pixel_m,
    )
    scores = score_aligned(aligned, twin_fits_better=twin_fits_better(ours, reference, aligned, mask))
    return Comparison(scores, ring, aligned.reconstruction, aligned.reference, aligned.mask)


def compare_network_alone(reconstruction: Reconstruction, scan: RawData) -> Comparison | None:
    """Compare what the network made of the frames before anything else improved it.

    Returns:
        The comparison, or None when the file holds no object or the picture is the network's own anyway.

    Raises:
        ValueError: The two pictures share too little to be compared.
    """
    return _compare_other(reconstruction.network_object, reconstruction, scan)


def compare_without_network(reconstruction: Reconstruction, scan: RawData) -> Comparison | None:
    """Compare what the refinement makes of the frames alone; returns and errors as above."""
    return _compare_other(reconstruction.flat_object, reconstruction, scan)


def _compare_other(
    picture: NDArray[np.complex64] | None, reconstruction: Reconstruction, scan: RawData
) -> Comparison | None:
    return None if picture is None else compare(replace(reconstruction, object=picture), scan)

"""The pictures of a run: drawn from its results, named the same in every run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report import curves, pictures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ptycho.metrics.comparison import Judgement
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData

OBJECT, NETWORK, PROBE = "object.png", "network.png", "probe.png"
DIFFRACTION = "diffraction.png"
POSITIONS, LOSS, COMPARISON, RING = "positions.png", "loss.png", "comparison.png", "frc.png"
_CURVES = {"train_loss": "training", "val_loss": "validation (held out)"}


def draw_reconstruction(folder: Path, reconstruction: Reconstruction, scan: RawData) -> dict[str, str]:
    """Draw object, probe, diffraction and positions.

    Args:
        folder: Where the pictures go.
        reconstruction: What inference gave.
        scan: The scan that was reconstructed.

    Returns:
        Caption by file name.
    """
    pixel = scan.object_pixel_m
    x, y = (float(value) for value in reconstruction.origin_px)
    pictures.save_object(
        folder / OBJECT,
        reconstruction.object,
        coverage=reconstruction.coverage,
        origin_px=(x, y),
        pixel_size_m=pixel,
    )
    pictures.save_probe(folder / PROBE, reconstruction.probe, pixel_size_m=pixel)
    pictures.save_diffraction(
        folder / DIFFRACTION,
        reconstruction.measured,
        reconstruction.predicted,
        frame_indices=reconstruction.frame_indices,
        mask=scan.mask,
    )
    curves.save_positions(folder / POSITIONS, reconstruction.positions, N=scan.N, pixel_size_m=pixel)
    network = {}
    if reconstruction.network_object is not None:
        pictures.save_object(
            folder / NETWORK,
            reconstruction.network_object,
            coverage=reconstruction.coverage,
            origin_px=(x, y),
            pixel_size_m=pixel,
        )
        network = {NETWORK: "What the network alone made of the frames, before refinement"}
    return {
        OBJECT: "Reconstructed object: amplitude and phase",
        **network,
        PROBE: "Probe",
        DIFFRACTION: "Measured and predicted diffraction, logarithmic",
        POSITIONS: "Scan positions",
    }


def draw_judgements(
    folder: Path, judgements: Mapping[str, Judgement], scan: RawData, *, reference_name: str
) -> dict[str, str]:
    """Draw the comparison of the first judgement with the reference, and the ring correlation of all.

    Args:
        folder: Where the pictures go.
        judgements: Judgement by what was judged; the final picture comes first.
        scan: The scan that was reconstructed.
        reference_name: What the pictures are compared with.

    Returns:
        Caption by file name.
    """
    final = next(iter(judgements.values()))
    pictures.save_comparison(
        folder / COMPARISON,
        final.reconstruction,
        final.reference,
        mask=final.mask,
        pixel_size_m=scan.object_pixel_m,
        reference_name=reference_name,
    )
    curves.save_frc(folder / RING, {name: each.ring_correlation for name, each in judgements.items()})
    return {
        COMPARISON: f"Reconstruction, {reference_name} and difference",
        RING: f"Fourier ring correlation against the {reference_name}",
    }


def draw_loss(folder: Path, history: Sequence[Mapping[str, float]], best_epoch: int | None) -> dict[str, str]:
    """Draw the loss of every epoch; captions by file name.

    Args:
        folder: Where the picture goes.
        history: One row for each epoch.
        best_epoch: Epoch of the kept weights, counted from 0.
    """
    lines = {
        label: [row.get(column, float("nan")) for row in history]
        for column, label in _CURVES.items()
        if any(column in row for row in history)
    }
    curves.save_loss(folder / LOSS, lines, best_epoch=None if best_epoch is None else best_epoch + 1)
    return {LOSS: "Loss after each epoch"}

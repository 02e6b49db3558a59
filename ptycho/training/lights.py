"""The light of every scan that is learned from: its probe, its scale and its bad pixels.

Shape legend: S scans, B groups of a batch, P probe modes, N frame side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ptycho.network.inference import Light, fitting_mask
from ptycho.reconstruction.iteration import Measurement
from ptycho.reconstruction.retrieved_picture import RetrievedPicture
from ptycho.scan.frame_store import normalised_ceiling
from ptyconf.errors import error_text

from .probe import retrieve_from_training_frames, scale_probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptycho.network.settings import NetworkSettings
    from ptycho.physics.operations import Array, Operations
    from ptycho.physics.scale import Normalisation
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.scan.frame_store import Indices, Stored
    from ptycho.scan.raw_data import RawData
    from ptycho.settings.training import TrainingConfig
    from ptyconf import Resolution

    from .split import Split


@dataclass(frozen=True)
class ScanLight:
    """What belongs to one scan alone, and not to the network that learns from several.

    Attributes:
        name: What the scan is called.
        probe: Modes on the network's scale, shape (P, N, N).
        normalisation: Scales of the scan.
        mask: True where a detector pixel is good, shape (N, N), or None where all are.
        ceiling: Normalised amplitude from which on a pixel is saturated, or None.
    """

    name: str
    probe: NDArray[np.complex64]
    normalisation: Normalisation
    mask: NDArray[np.bool_] | None
    ceiling: float | None = None


class Lights:
    """Look up the light of each group of a batch by the number of its scan.

    Args:
        ops: Array operations of the backend.
        scans: The scans, in the order of their numbers; more than one.
    """

    def __init__(self, ops: Operations, scans: Sequence[ScanLight]) -> None:
        self._ops = ops
        probes = np.stack([scan.probe for scan in scans]).astype(np.complex64)[:, np.newaxis]
        scales = np.array([scan.normalisation.intensity_scale for scan in scans], np.float32)
        ceilings = [np.inf if scan.ceiling is None else scan.ceiling for scan in scans]
        self._ceilings = np.array(ceilings, np.float32).reshape(-1, 1, 1, 1)
        self._clipped = bool(np.isfinite(ceilings).any())
        N = probes.shape[-1]
        masks = np.stack([fitting_mask(scan.mask, N) for scan in scans])[:, np.newaxis]
        self._tables = (probes, scales.reshape(-1, 1, 1, 1), masks)

    def of(self, numbers: Array) -> Light:
        """Give the light of groups, whose leading axis runs over the groups.

        Args:
            numbers: Number of each group's scan, shape (B,).
        """
        probe, scale, good = (self._look_up(table, numbers) for table in self._tables)
        ceiling = self._look_up(self._ceilings, numbers) if self._clipped else None
        return Light(probe, scale, good, ceiling)

    def _look_up(self, table: NDArray[Any], numbers: Array) -> Array:
        return self._ops.gather(self._ops.from_numpy(table, numbers), numbers)


def lights_of(ops: Operations, scans: Sequence[ScanLight], settings: NetworkSettings) -> Lights | None:
    """Give the lights of several scans; None where one scan's light is the network's own.

    Raises:
        ValueError: The probe is to be learned, of which a network has one.
    """
    if len(scans) < 2:
        return None
    if settings.probe_trainable:
        raise ValueError(
            error_text(
                f"a network learns one probe, and {len(scans)} scans were taken with a probe each: "
                + ", ".join(scan.name for scan in scans),
                expected="probes that stay as the sweeps before the training find them",
                hint="model.probe_trainable = false, or one scan",
            )
        )
    return Lights(ops, scans)


def lights_of_scans(
    scan: RawData, training: TrainingConfig, resolution: Resolution
) -> tuple[list[ScanLight], list[str]]:
    """Bring the probe of each scan to the network's scale."""
    lights, notes = [], list[str]()
    for part in scan.parts:
        probe, normalisation, found = scale_probe(part, training, resolution)
        ceiling = normalised_ceiling(part, normalisation.amplitude_factor)
        lights.append(ScanLight(part.name, probe, normalisation, part.mask, ceiling))
        notes += _named(part, scan, found)
    return lights, notes


def _named(part: RawData, scan: RawData, notes: list[str]) -> list[str]:
    return notes if part is scan else [f"{part.name}: {note}" for note in notes]


def amplitude_factor(scan: RawData, lights: list[ScanLight]) -> float | NDArray[np.float32]:
    """Give the factor from measured amplitude to X, one a frame where several scans were taken."""
    if len(lights) == 1:
        return lights[0].normalisation.amplitude_factor
    factors = np.empty(len(scan), np.float32)
    for rows, light in zip(scan.part_rows, lights, strict=True):
        factors[rows] = light.normalisation.amplitude_factor
    return factors


class Retrieved(NamedTuple):
    """What sweeps before a training found.

    Attributes:
        lights: Of each scan, with the probe that was found.
        pictures: The picture of each scan that was found beside it.
        notes: What came of it, one sentence each.
    """

    lights: list[ScanLight]
    pictures: tuple[RetrievedPicture, ...]
    notes: list[str]


def retrieve_probes(
    lights: list[ScanLight],
    scan: RawData,
    groups: Split,
    stored: Stored,
    training: TrainingConfig,
    library: SweepLibrary,
) -> Retrieved:
    """Retrieve the probe of each scan from the frames of that scan that train."""
    retrieved, pictures, notes = [], [], list[str]()
    learned = np.unique(groups.train)
    for part, rows, light in zip(scan.parts, scan.part_rows, lights, strict=True):
        # Held-out frames judge the network: a probe that has seen them would make them judge too kindly.
        used = np.intersect1d(rows, learned)
        frames = Measurement(
            partial(_frames_of, stored, used), scan.positions[used], light.mask, light.ceiling
        )
        found, note = retrieve_from_training_frames(light.probe, frames, training, library)
        retrieved.append(replace(light, probe=found.probe))
        pictures.append(
            RetrievedPicture(
                object=found.object,
                origin_px=np.array(found.origin_px, np.int64),
                probe=found.probe,
                frames=np.searchsorted(rows, used).astype(np.int64),
                positions=np.asarray(scan.positions[rows], np.float64),
                scan=part.fingerprint(),
            )
        )
        notes += _named(part, scan, [note])
    return Retrieved(retrieved, tuple(pictures), notes)


def _frames_of(stored: Stored, used: Indices, rows: Indices) -> NDArray[np.float32]:
    return stored.store.frames(used[rows])

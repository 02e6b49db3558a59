"""The light of every scan that is learned from: its probe, its scale and its bad pixels.

Shape legend: S scans, B groups of a batch, P probe modes, N frame side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.network.inference import Light, fitting_mask
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptycho.network.settings import NetworkSettings
    from ptycho.physics.operations import Array, Operations
    from ptycho.physics.scale import Normalisation


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

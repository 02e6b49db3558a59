"""Probes to scan with, one module each: its constant PROBE is a `ptycho.simulate.kinds.ProbeKind`."""

import numpy as np

from ptycho.errors import ScanError
from ptycho.settings.registries import PROBES
from ptycho.simulate.kinds import Field, ProbeKind
from ptyconf.errors import error_text

__all__ = ["draw_beam"]


def draw_beam(name: str, N: int) -> Field:
    """Make a probe of unit energy on N x N pixels, centred on pixel [N/2, N/2].

    Args:
        name: A name in ``ptycho.settings.registries.PROBES``.
        N: Side in pixels.

    Returns:
        Complex amplitude of shape (N, N).

    Raises:
        ScanError: There is no such probe.
    """
    kind: ProbeKind | None = PROBES.get(name)
    if kind is None:
        raise ScanError(
            error_text(f'there is no probe "{name}"', known=", ".join(PROBES), hint='probe = "zone_plate"')
        )
    beam = np.asarray(kind.draw(N), dtype=np.complex128)
    normalised: Field = beam / np.linalg.norm(beam)
    return normalised

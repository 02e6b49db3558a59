"""Counts or amplitudes, where neither file nor numbers tell: which of the two the forward model explains."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ptycho.reconstruction.trials import CLEARLY_BETTER
from ptyconf import Origin
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptycho.clients.search import Settled
    from ptyconf import Resolution

logger = logging.getLogger(__name__)

QUANTITY = "data.quantity"


def with_likely_quantity(
    taken: Settled, resolution: Resolution, settled_by: Callable[[Resolution], Settled]
) -> Settled:
    """Take the other quantity where a scan's is a guess and the other clearly explains its frames better.

    Args:
        taken: The scan by the quantity that was guessed, with its axes and probe.
        resolution: The settings that it was first read by.
        settled_by: Reads the scan by other settings and finds axes and probe for it, too.

    Returns:
        One of the two, whose decisions say what both came to.
    """
    guess = taken.scan.parts[0]
    if not guess.quantity_is_guess or taken.missed is None:
        return taken
    other = "counts" if guess.quantity == "amplitude" else "amplitude"
    missed = f"as {guess.quantity} they leave {taken.missed:.3g} of the change from frame to frame"
    origin = Origin("found", "trial of the quantity", f"{missed}, as {other} clearly less")
    layer = mapping.layer("found", {QUANTITY: other}, kind="found", origin=lambda _: origin)
    tried = settled_by(resolution.with_layer(layer))
    if tried.missed is None:
        return taken
    figures = f"{missed}, as {other} {tried.missed:.3g}"
    if tried.missed < CLEARLY_BETTER * taken.missed:
        note = f'data.quantity = "{other}" was found by trial of frames not seen: {figures}'
        logger.info("%s", note)
        return tried._replace(scan=tried.scan.with_decisions(note))
    clear = taken.missed < CLEARLY_BETTER * tried.missed
    note = f"the quantity was tried: {figures}" + ("" if clear else "; nothing tells which it is")
    logger.info("%s", note)
    return taken._replace(scan=taken.scan.with_decisions(note))

"""The probe that a client sets for the data that it is going to load."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.scan.array_checks import check_probe
from ptycho.settings import legacy_dict as params
from ptyconf.errors import error_text

__all__ = ["accept", "current", "set_probe_guess"]

Probe = NDArray[np.complexfloating[Any, Any]]


def set_probe_guess(X_train: ArrayLike | None = None, probe_guess: ArrayLike | None = None) -> None:
    """Keep a probe in `params.cfg`, where `ptycho.loader.load` finds it.

    Args:
        X_train: None: a probe cannot be told from diffraction alone.
        probe_guess: Complex modes, shape (N, N), (P, N, N) or (N, N, 1), in any scale.

    Raises:
        ValueError: There is no probe, or it does not fit the frames that the configuration speaks of.
    """
    if probe_guess is None:
        given = "" if X_train is None else ", and diffraction alone does not tell it"
        raise ValueError(
            error_text(
                f"there is no probe{given}",
                expected="complex modes, shape (N, N) or (P, N, N)",
                hint="set_probe_guess(None, scan.probeGuess)",
            )
        )
    params.set("probe", accept(probe_guess, "probe_guess"))


def current() -> Probe | None:
    """Give the probe that was set, or None."""
    return params.cfg.get("probe")


def accept(given: ArrayLike, name: str) -> Probe:
    """Accept a probe on the grid of the frames that the configuration speaks of.

    Args:
        given: Complex modes.
        name: What the caller calls it.

    Raises:
        ValueError: It is no probe, or of another size.
    """
    modes = check_probe(given, None)
    side = modes.shape[-1]
    if params.is_populated() and "N" in params.cfg and side != params.get("N"):
        N = params.get("N")
        raise ValueError(
            error_text(
                f"{name} is {side} x {side} pixels, and params.cfg says N = {N}",
                written_in=params.writer("N"),
                expected=f"a probe on the grid of the frames, {N} x {N}",
                hint=f"the probe of this scan, or model.N = {side} where the frames are of that size",
            )
        )
    return np.asarray(given) if np.iscomplexobj(given) else modes

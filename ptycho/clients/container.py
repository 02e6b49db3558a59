"""Groups of frames as a network sees them, from the dict that `RawData.generate_grouped_data` makes.

Names and shapes are a public contract. Shape legend: B groups, C positions of a group, N frame side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.clients import probe
from ptycho.scan.raw_data import RawData
from ptycho.settings import legacy_dict as params
from ptyconf.errors import error_text

__all__ = ["PtychoDataContainer", "load"]

Array = NDArray[Any]
Grouped = dict[str, Any]

_SIDES = ("train", "test")


@dataclass(eq=False, repr=False)
class PtychoDataContainer:
    """Groups of frames with their coordinates.

    Attributes:
        X: Normalised amplitude, shape (B, N, N, C), float32.
        Y: Object patches for supervised training, shape (B, N, N, C), complex64, or None.
        coords_nominal: Group mean minus nominal position [x, y] in pixels, shape (B, 1, 2, C).
        coords_true: Group mean minus measured position, shape (B, 1, 2, C).
        probe: Probe as given, shape (N, N) or (P, N, N), complex, or None.
        nn_indices: Frames of the scan, shape (B, C).
        global_offsets: Mean position of each group [x, y] in pixels, shape (B, 1, 2, 1).
        local_offsets: Group mean minus position, shape (B, 1, 2, C).
    """

    X: Array
    Y: Array | None
    coords_nominal: Array
    coords_true: Array
    probe: Array | None
    nn_indices: Array
    global_offsets: Array
    local_offsets: Array

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} groups, X {self.X.shape})"

    @property
    def Y_I(self) -> Array | None:  # noqa: N802  The contract's name.
        """Amplitude of the object patches, or None."""
        return None if self.Y is None else np.abs(self.Y)

    @property
    def Y_phi(self) -> Array | None:  # noqa: N802  The contract's name.
        """Phase of the object patches in rad, or None."""
        return None if self.Y is None else np.angle(self.Y)

    def scan(self) -> RawData:
        """Give the frames back as a scan, each once; amplitudes in units of X."""
        frames, where = np.unique(self.nn_indices, return_index=True)
        group, member = np.unravel_index(where, self.nn_indices.shape)
        positions = self.global_offsets[group, 0, :, 0] - self.local_offsets[group, 0, :, member]
        nominal = self.global_offsets[group, 0, :, 0] - self.coords_nominal[group, 0, :, member]
        return RawData(
            positions[:, 0],
            positions[:, 1],
            nominal[:, 0],
            nominal[:, 1],
            self.X[group, :, :, member],
            self.probe,
            np.zeros(len(frames), np.int64),
            Y=None if self.Y is None else self.Y[group, :, :, member],
            quantity="amplitude",
        )


def load(
    cb: Callable[[], Any],
    probeGuess: ArrayLike | None = None,
    which: str | None = None,
    create_split: bool = False,
) -> PtychoDataContainer:
    """Take the groups that a callback gives.

    Args:
        cb: Gives the grouped dict; with ``create_split`` the dict and the share of it to train on.
        probeGuess: The probe, complex; None takes the one of `ptycho.probe.set_probe_guess`.
        which: Which part of a split: "train", the first share of the groups, or "test", the others.
        create_split: Whether the callback gives a share.

    Raises:
        UnpopulatedError: No configuration was written to params.cfg before (CONFIG-001).
        ValueError: The groups or the probe do not fit the configuration.
    """
    params.require_populated("ptycho.loader.load", "N", "gridsize")
    grouped = _part(cb(), which) if create_split else cb()
    _require_fitting(grouped)
    illumination = probe.current() if probeGuess is None else probe.accept(probeGuess, "probeGuess")
    return PtychoDataContainer(
        X=np.asarray(grouped["X_full"], np.float32),
        Y=None if grouped.get("Y") is None else np.asarray(grouped["Y"], np.complex64),
        coords_nominal=np.asarray(grouped["coords_start_relative"]),
        coords_true=np.asarray(grouped["coords_relative"]),
        probe=illumination,
        nn_indices=np.asarray(grouped["nn_indices"]),
        global_offsets=np.asarray(grouped["coords_offsets"]),
        local_offsets=np.asarray(grouped["coords_relative"]),
    )


def _part(given: Any, which: str | None) -> Grouped:
    """Cut every array of groups at the share to train on."""
    if which not in _SIDES:
        raise ValueError(
            error_text(
                f"which = {which!r}",
                expected="'train' or 'test', for create_split is true",
                hint="which='train'",
            )
        )
    pair = isinstance(given, (tuple, list)) and len(given) == 2
    share: Any = given[1] if pair else None
    if not isinstance(share, Real) or not 0 <= float(share) <= 1:
        returned = type(given).__name__ if not pair else f"a share of {share!r}"
        raise ValueError(
            error_text(
                f"the callback gave no split: {returned}",
                expected="groups and the share of them to train on, 0 to 1, for create_split is true",
                hint="load(lambda: (scan.generate_grouped_data(...), 0.9), probe, 'train', True)",
            )
        )
    grouped = given[0]
    _require_groups(grouped)
    n = len(grouped["nn_indices"])
    cut = int(n * float(share))
    rows = slice(0, cut) if which == "train" else slice(cut, n)
    per_group = _arrays_of_groups(grouped, n)
    return {key: value[rows] if key in per_group else value for key, value in grouped.items()}


def _arrays_of_groups(grouped: Grouped, n: int) -> set[str]:
    """Name the arrays that hold one entry for each group; the object is none of them."""
    return {
        key
        for key, value in grouped.items()
        if key != "objectGuess" and isinstance(value, np.ndarray) and value.ndim and len(value) == n
    }


def _require_groups(grouped: Any) -> None:
    keys = sorted(grouped) if isinstance(grouped, dict) else None
    if keys is None or "X_full" not in keys:
        returned = type(grouped).__name__ if keys is None else keys
        raise ValueError(
            error_text(
                f"the callback gave no groups: {returned}",
                expected="the dict of RawData.generate_grouped_data, with 'X_full'",
                hint="load(lambda: scan.generate_grouped_data(...), probe)",
            )
        )


def _require_fitting(grouped: Any) -> None:
    _require_groups(grouped)
    shape, N, gridsize = np.shape(grouped["X_full"]), int(params.get("N")), int(params.get("gridsize"))
    if len(shape) == 4 and shape[1:] == (N, N, gridsize**2):
        return
    raise ValueError(
        error_text(
            f"the groups have shape {shape}, and params.cfg says N = {N}, gridsize = {gridsize}",
            written_in=params.writer("gridsize") or "the defaults",
            expected=f"(groups, {N}, {N}, {gridsize**2})",
            hint=(
                f"generate_grouped_data({N}, gridsize={gridsize}), or update_legacy_dict(params.cfg, config) "
                "with the configuration of this data"
            ),
        )
    )

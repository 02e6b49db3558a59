"""What the frames and the probe of a scan must satisfy before anything is computed from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.errors import ScanError
from ptycho.scan.source import source_name
from ptycho.scan.statistics import Statistics
from ptyconf.errors import error_text

__all__ = ["check_dtype", "check_frames", "check_object", "check_probe", "check_scan_index"]

Array = np.ndarray[Any, Any]


def check_frames(
    statistics: Statistics, key: str, source: Path | None, masks: Sequence[str] = (), *, in_use: bool = False
) -> None:
    """Refuse frames that no detector delivers.

    Args:
        statistics: What was measured.
        key: Name of the frames in the file.
        source: The file that they come from.
        masks: Keys of the file that are called masks.
        in_use: Whether a mask is in use, of the file or of the settings.

    Raises:
        ScanError: A value is NaN, infinite or negative, or everything is zero.
    """
    flaw = statistics.flaw
    if flaw is not None:
        named = ", ".join(f"'{mask}' in the file" for mask in masks)
        raise ScanError(
            error_text(
                f"frame {flaw.first_frame} of '{key}' in {source_name(source)} holds {flaw.kind} values "
                f"({flaw.n_pixels} pixels in {flaw.n_frames} frames)",
                details={"mask": (f"{named or 'data.mask'} does not mark them" if in_use else named) or None},
                expected="finite values of zero or more",
                hint=f'data.mask = "{masks[0]}"'
                if masks and not in_use
                else "data.mask = a file or key that marks the bad pixels, or leave these frames out",
            )
        )
    if statistics.maximum == 0.0:
        raise ScanError(
            error_text(
                f"every value of '{key}' in {source_name(source)} is zero ({statistics.n_frames} frames)",
                expected="frames with some light in them",
                hint="another data.mask, if all the light lies under it",
            )
        )


def check_dtype(frames: Array, key: str, source: Path | None) -> None:
    """Refuse arrays that are empty or that do not hold real numbers.

    Raises:
        ScanError: They are empty or of another kind.
    """
    if frames.dtype.kind not in "iufb":
        raise ScanError(
            error_text(
                f"'{key}' in {source_name(source)} is an array of {frames.dtype}",
                expected="real numbers: float32, float64, uint8, uint16 or uint32",
                hint=f"{key} = np.abs({key})" if frames.dtype.kind == "c" else None,
            )
        )
    if frames.size == 0:
        raise ScanError(
            error_text(
                f"'{key}' in {source_name(source)} is empty: shape {frames.shape}",
                expected="at least one frame",
            )
        )


def check_probe(probe: ArrayLike, source: Path | None) -> NDArray[np.complexfloating[Any, Any]]:
    """View a probe as a stack of modes.

    Args:
        probe: Shape (N, N), (P, N, N) or (N, N, 1); the first mode is the main mode.
        source: The file that it comes from.

    Returns:
        The modes, shape (P, N, N), complex64 or complex128.

    Raises:
        ScanError: It is of another shape, not finite, or dark.
    """
    given = np.asarray(probe)
    modes = given
    while modes.ndim > 3 and modes.shape[0] == 1:
        modes = modes[0]
    if modes.ndim == 3 and modes.shape[2] == 1 and modes.shape[0] == modes.shape[1]:
        modes = modes[..., 0]
    if modes.ndim == 2:
        modes = modes[np.newaxis]
    if (
        modes.ndim != 3
        or modes.shape[1] != modes.shape[2]
        or modes.shape[0] == 0
        or modes.dtype.kind not in "iufc"
    ):
        raise ScanError(
            error_text(
                f"'probeGuess' in {source_name(source)} is an array of {given.dtype} "
                f"with shape {given.shape}",
                expected="complex, of shape (N, N), (modes, N, N) or (N, N, 1)",
            )
        )
    if not np.all(np.isfinite(modes)):
        raise ScanError(
            error_text(
                f"'probeGuess' in {source_name(source)} holds values that are not finite",
                expected="finite complex numbers",
            )
        )
    if not np.any(modes[0]):
        raise ScanError(
            error_text(
                f"'probeGuess' in {source_name(source)} is dark: its main mode is zero everywhere",
                expected="the illumination, in any scale",
            )
        )
    double = modes.dtype in (np.dtype(np.float64), np.dtype(np.complex128))
    return modes.astype(np.complex128 if double else np.complex64, copy=False)


def check_object(
    guess: ArrayLike | None, source: Path | None
) -> NDArray[np.complexfloating[Any, Any]] | None:
    """Accept an object of shape (H, W); one that is 1 everywhere counts as absent.

    Raises:
        ScanError: It is of another shape, or not finite.
    """
    if guess is None:
        return None
    given = np.asarray(guess)
    single = (
        given.reshape(given.shape[-2:])
        if given.ndim > 2 and given.size == np.prod(given.shape[-2:])
        else given
    )
    if single.ndim != 2 or single.dtype.kind not in "iufc" or single.size == 0:
        raise ScanError(
            error_text(
                f"'objectGuess' in {source_name(source)} is an array of {given.dtype} "
                f"with shape {given.shape}",
                expected="complex, of shape (H, W)",
            )
        )
    if not np.all(np.isfinite(single)):
        raise ScanError(
            error_text(
                f"'objectGuess' in {source_name(source)} holds values that are not finite",
                expected="finite complex numbers",
            )
        )
    if np.all(single == 1):
        return None
    return single.astype(np.result_type(single.dtype, np.complex64), copy=False)


def check_scan_index(values: ArrayLike | None, n: int, source: Path | None) -> NDArray[np.int64]:
    """Accept one whole number per frame, one for all, or None for zeros; surplus entries are dropped.

    Raises:
        ScanError: There are fewer, or they are not numbers.
    """
    if values is None:
        return np.zeros(n, np.int64)
    array = np.asarray(values)
    index = np.broadcast_to(array, n).copy() if array.ndim == 0 else array.reshape(-1)[:n]
    if len(index) != n or index.dtype.kind not in "iuf":
        raise ScanError(
            error_text(
                f"'scan_index' in {source_name(source)} is an array of {array.dtype} "
                f"with shape {array.shape}",
                expected=f"one whole number per frame: ({n},)",
            )
        )
    return index.astype(np.int64)

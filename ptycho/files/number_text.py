"""Numbers that a file holds as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["numbers_of"]


def numbers_of(array: np.ndarray[Any, Any], where: str) -> NDArray[np.float64]:
    """Give an array of real numbers in double precision, also where each is written as text.

    Args:
        array: The array, of any kind.
        where: What it is called, for the message.

    Raises:
        ScanError: It holds something else.
    """
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    if array.dtype.kind in "OSU":
        texts = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in array.ravel()]
        try:
            return np.array([float(text) for text in texts], np.float64).reshape(array.shape)
        except (TypeError, ValueError):
            pass
    raise ScanError(
        error_text(f"{where} is an array of {array.dtype} with shape {array.shape}", expected="real numbers")
    )

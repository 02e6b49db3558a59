"""Probe modes as NPY bytes of unknown origin: one kind of array, and no more memory than the bytes fill."""

from __future__ import annotations

import io
import math
import tokenize
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_HEADER = 256
"""Characters that describe an array; numpy parses them as Python, which long ones can bring to its end."""


def dump_modes(modes: NDArray[Any]) -> bytes:
    """Write probe modes, shape (P, N, N), as complex64."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(modes, np.complex64, order="C"), (1, 0), allow_pickle=False)
    return stream.getvalue()


def parse_modes(content: bytes) -> NDArray[np.complex64]:
    """Read probe modes; nothing is allocated that the bytes do not fill.

    Raises:
        ValueError: They are not finite complex64 of shape (P, N, N).
    """
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an unknown version of the NPY format")
    described = int.from_bytes(content[8:10], "little")
    if described > LONGEST_HEADER:
        raise ValueError(f"an NPY header of {described} bytes")
    try:
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except (SyntaxError, tokenize.TokenError) as error:
        raise ValueError("its NPY header cannot be understood") from error
    modes_follow = len(shape) == 3 and shape[1] == shape[2] and dtype == np.complex64 and not fortran
    if not modes_follow or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"probe modes of {dtype} and shape {shape} in {len(content)} bytes")
    modes = np.frombuffer(content, np.complex64, offset=stream.tell()).reshape(shape).copy()
    if not np.isfinite(modes).all():
        raise ValueError("probe modes that are NaN or infinite")
    return modes

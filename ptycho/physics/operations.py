"""What the neutral physics asks of a library of differentiable arrays: a few dozen operations on its arrays.

A backend supplies one module with these functions; whatever is written over them is written once for all
backends, runs under their automatic differentiation and inside of their compiled graphs. Arithmetic
(`+`, `-`, `*`, `/`), comparisons, unary minus and slicing are the arrays' own. Two habits keep it portable: a
complex array meets a real one through `scale` only, and lengths are asked for through `shape`, because in a
graph a length may be an array itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Array: TypeAlias = Any
"""An array of the backend's library; the docstrings give its shape."""

Length: TypeAlias = Any
"""A number of pixels: an int, or in a graph that is traced once for all sizes a scalar integer array."""

Axes: TypeAlias = int | tuple[int, ...]

IMAGE_AXES = (-2, -1)
"""Rows and columns of an image: the last two axes of every array of the physics."""


def centring(shape: Sequence[int]) -> tuple[int, int]:
    """Give the pixels by which a reversed image is rolled on, so that pixel [N/2, N/2] keeps its place."""
    rows, columns = (1 - shape[axis] % 2 for axis in IMAGE_AXES)
    return rows, columns


class Operations(Protocol):
    """Differentiable array operations of one library."""

    def real(self, values: Array, /) -> Array:
        """Give the real part."""

    def imag(self, values: Array, /) -> Array:
        """Give the imaginary part of complex values."""

    def conj(self, values: Array, /) -> Array:
        """Conjugate complex values."""

    def join_parts(self, real: Array, imag: Array, /) -> Array:
        """Make complex values of real and imaginary parts."""

    def polar(self, modulus: Array, phase: Array, /) -> Array:
        """Make complex values of moduli and phases in radians."""

    def is_complex(self, values: Array, /) -> bool:
        """Tell whether the values are complex."""

    def power(self, values: Array, /) -> Array:
        """Give the squared modulus of complex values, with the slope 0 at 0."""

    def phase(self, values: Array, /) -> Array:
        """Give the phase of complex values in radians, with the slope 0 at 0, where it has none."""

    def scale(self, values: Array, factor: Array, /) -> Array:
        """Multiply complex values by a real array of the same precision, or by a number."""

    def absolute(self, values: Array, /) -> Array:
        """Give the modulus."""

    def square(self, values: Array, /) -> Array:
        """Square real values."""

    def sqrt(self, values: Array, /) -> Array:
        """Take the root of real values."""

    def exp(self, values: Array, /) -> Array:
        """Take the exponential of real values."""

    def log(self, values: Array, /) -> Array:
        """Take the natural logarithm of real values."""

    def tanh(self, values: Array, /) -> Array:
        """Take the hyperbolic tangent of real values."""

    def maximum(self, values: Array, floor: float, /) -> Array:
        """Raise real values to a floor."""

    def floor(self, values: Array, /) -> Array:
        """Round real values down, with the slope 0; they stay real."""

    def to_index(self, values: Array, /) -> Array:
        """Give whole real values as integers that arrays can be indexed by."""

    def where(self, condition: Array, values: Array, otherwise: Array | float, /) -> Array:
        """Choose values where the condition holds, pixel by pixel."""

    def reduce_sum(self, values: Array, axes: Axes | None = None, /, *, keepdims: bool = False) -> Array:
        """Add up along axes; all of them without."""

    def reduce_mean(self, values: Array, axes: Axes | None = None, /, *, keepdims: bool = False) -> Array:
        """Average along axes; all of them without."""

    def reduce_max(self, values: Array, axes: Axes | None = None, /, *, keepdims: bool = False) -> Array:
        """Find the largest along axes; all of them without."""

    def matmul(self, left: Array, right: Array, /, *, transpose_right: bool = False) -> Array:
        """Multiply stacks of real matrices in their own precision, whatever a mixed precision asks for."""

    def fft2(self, values: Array, /) -> Array:
        """Transform images over their last two axes; the sum is not scaled."""

    def ifft2(self, values: Array, /) -> Array:
        """Invert `fft2`: the sum is divided by the number of pixels."""

    def fftshift(self, values: Array, /) -> Array:
        """Move zero frequency from pixel [0, 0] to [N/2, N/2]."""

    def ifftshift(self, values: Array, /) -> Array:
        """Invert `fftshift`; another thing for odd N."""

    def turn(self, values: Array, /) -> Array:
        """Turn images by 180 degrees about pixel [N/2, N/2]."""

    def shape(self, values: Array, /) -> tuple[Length, ...]:
        """Give the lengths of all axes: numbers where they are known, else integer arrays."""

    def reshape(self, values: Array, shape: Sequence[Length], /) -> Array:
        """Lay the same values out in another shape."""

    def broadcast_to(self, values: Array, shape: Sequence[Length], /) -> Array:
        """Repeat values until they fill a shape."""

    def concat(self, parts: Sequence[Array], axis: int, /) -> Array:
        """Put arrays behind one another along an axis."""

    def stack(self, parts: Sequence[Array], axis: int = 0, /) -> Array:
        """Put arrays of one shape beside one another along a new axis."""

    def gather(self, values: Array, index: Array, /) -> Array:
        """Pick entries along the first axis."""

    def scatter_add(self, values: Array, index: Array, like: Array, /) -> Array:
        """Add values into bins: `index` has their shape, `like` (n,) gives the number of bins."""

    def arange(self, start: Length, stop: Length, like: Array, /) -> Array:
        """Count from start to stop in the real type, and on the device, of an array."""

    def zeros(self, shape: Sequence[Length], like: Array, /) -> Array:
        """Make zeros in the type, and on the device, of an array."""

    def ones(self, shape: Sequence[Length], like: Array, /) -> Array:
        """Make ones in the type, and on the device, of an array."""

    def cast_like(self, values: Array, like: Array, /) -> Array:
        """Give real values or truths in the type of another array."""

    def detach(self, values: Array, /) -> Array:
        """Give values that no gradient passes through."""

    def whole_pixels(self, values: Array, /) -> Length:
        """Round the largest of the values up to whole pixels, 0 without values or below zero."""

    def from_numpy(self, array: NDArray[Any], like: Array, /) -> Array:
        """Bring an array to the device of another one; its type stays."""

    def to_numpy(self, values: Array, /) -> NDArray[Any]:
        """Bring an array to numpy."""

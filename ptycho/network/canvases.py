"""Where patches meet before a pass looks at them: a canvas for each group, or one for a whole scan.

Shape legend: B groups, C positions of a group, N patch side, H and W canvas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.physics.sweeps import shifted_spectrum

if TYPE_CHECKING:
    from ptycho.physics.forward_model import ForwardModel
    from ptycho.physics.operations import Array, Length


class GroupCanvas:
    """One canvas per group, anchored on the group's first position: that one is never interpolated.

    Args:
        physics: The forward model.
        relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
        n: Patch side.
        multiple: The margin is a multiple of this, so that the sides can be halved.
    """

    def __init__(self, physics: ForwardModel, relative: Array, n: int, multiple: int) -> None:
        self._physics = physics
        self.relative = relative - relative[:, :1]
        self.n = n
        self.single = relative.shape[1] == 1
        self.side = n
        if not self.single:
            reach = physics.reach(self.relative)
            self.side = n + multiple * ((2 * reach + multiple - 1) // multiple)

    def lit_by(self, probe: Array) -> Array:
        """Give the probe (P, N, N) as it is: positions between pixels interpolate the patches."""
        return probe

    def at_positions(self, patches: Array) -> Array:
        """Give patches as they were cut: at their positions."""
        return patches

    def add(self, patches: Array) -> Array:
        """Add the patches of each group on its canvas: (B, C, N, N) -> (B, M, M)."""
        if self.single:
            return patches[:, 0]
        return self._physics.ops.reduce_sum(self._physics.place(patches, -self.relative, self.side), 1)

    def cut(self, canvas: Array) -> Array:
        """Cut each position's window out of its group's canvas: (B, M, M) -> (B, C, N, N)."""
        if self.single:
            return canvas[:, None]
        return self._physics.extract_group(canvas, self.relative, self.n)


class ScanCanvas:
    """One canvas for each scan, laid out by whole pixels: a patch costs what its own pixels cost.

    What whole pixels leave of a position moves the probe, by Fourier interpolation, as in the sweeps: the
    picture is never blurred. The canvas is the smallest that holds all patches.

    Args:
        physics: The forward model.
        relative: Some point of the picture's grid minus position [x, y] in pixels, shape (B, C, 2).
        n: Patch side.
        multiple: Both sides are multiples of this, so that they can be halved.

    Attributes:
        height: Rows H.
        width: Columns W.
        first: Canvas pixel [0, 0] as seen from that point [x, y], plus n / 2, whole, shape (B, 1, 2).
        corner: Canvas pixel of the first pixel of each patch [x, y], whole, shape (B, C, 2).
        rest: What whole pixels leave of each position [x, y], -1/2 to 1/2, shape (B, C, 2).
    """

    def __init__(self, physics: ForwardModel, relative: Array, n: int, multiple: int) -> None:
        ops = physics.ops
        self._physics, self._ops = physics, ops
        self.n = n
        whole = ops.floor(0.5 - relative)
        self.rest = -relative - whole
        self.first = -ops.reduce_max(-whole, 1, keepdims=True)
        self.corner = whole - self.first
        self.width, self.height = (
            multiple * ((ops.whole_pixels(self.corner[..., axis]) + n + multiple - 1) // multiple)
            for axis in (0, 1)
        )

    def lit_by(self, probe: Array) -> Array:
        """Move the probe, (P, N, N) or (B, 1, P, N, N), by what whole pixels leave of positions.

        Returns:
            Shape (B, C, P, N, N).
        """
        return self._ops.ifft2(self.spectrum_at(probe))

    def spectrum_at(self, probe: Array, span: slice = slice(None)) -> Array:
        """Give the unscaled spectrum of the probe at some positions, moved as by `lit_by`, of its shape.

        Zero frequency stands at [0, 0].
        """
        ops, rest = self._ops, self.rest[:, span]
        shape = (*ops.shape(rest)[:2], *ops.shape(probe)[-3:])
        alike = len(probe.shape) == 3
        modes = probe[None] if alike else ops.reshape(ops.broadcast_to(probe, shape), (-1, *shape[2:]))
        return ops.reshape(shifted_spectrum(ops, modes, ops.reshape(rest, (-1, 2))), shape)

    def add(self, patches: Array, windows: Array | None = None) -> Array:
        """Add patches (B, C, N, N) on their canvases, those of all or some positions: (B, H, W)."""
        ops = self._ops
        shape = (ops.shape(self.rest)[0], self.height, self.width)
        empty = ops.reshape(ops.zeros(shape, self.rest), (-1,))
        row = ops.scatter_add(patches, self.windows() if windows is None else windows, empty)
        return ops.reshape(row, shape)

    def cut(self, canvas: Array, windows: Array | None = None) -> Array:
        """Cut the windows of all or some positions out of their canvases (B, H, W): (B, C, N, N)."""
        row = self._ops.reshape(canvas, (-1,))
        return self._ops.gather(row, self.windows() if windows is None else windows)

    def at_positions(self, patches: Array) -> Array:
        """Move patches that were cut at whole pixels to where their positions lie, bilinear."""
        return self._physics.translate(patches, -self.rest)

    def windows(self, span: slice = slice(None)) -> Array:
        """Give the place of each pixel of some patches when all rows lie end to end, shape (B, C, N, N)."""
        ops, corner = self._ops, self.corner[:, span]
        line = ops.arange(0, self.n, self.rest)
        columns, rows = (ops.to_index(corner[..., axis, None] + line) for axis in (0, 1))
        height, width = (self._index(length) for length in (self.height, self.width))
        number = ops.to_index(ops.arange(0, ops.shape(self.rest)[0], self.rest))[:, None, None]
        return ((number * height + rows) * width)[..., :, None] + columns[..., None, :]

    def _index(self, length: Length) -> Array:
        """Give a length in the type of an index."""
        ops = self._ops
        return length if isinstance(length, int) else ops.to_index(ops.cast_like(length, self.rest))

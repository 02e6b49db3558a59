"""Differentiable forward model of far-field ptychography, written once over a backend's operations.

It keeps the precision of its arguments, and equals the numpy reference in the rest of this room, which stays
a text of its own so that it can judge this one.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, M canvas side. Offsets are
pixels in the order [x, y] (column, row). A positive offset moves content to larger indices.
"""

from dataclasses import dataclass

from .illumination import SMOOTHING_REACH_SIGMAS
from .limits import COVERAGE_FLOOR, INTENSITY_FLOOR, WIENER_LEVEL
from .operations import IMAGE_AXES, Array, Length, Operations


@dataclass(frozen=True)
class ForwardModel:
    """The physics between an object and its diffraction patterns.

    Attributes:
        ops: Array operations of the backend.
    """

    ops: Operations

    def far_field(self, waves: Array) -> Array:
        """Carry waves to the far field with energy conserved and zero frequency left at [0, 0]."""
        return self.ops.scale(self.ops.fft2(waves), 1 / waves.shape[-1])

    def near_field(self, fields: Array) -> Array:
        """Invert `far_field`."""
        return self.ops.scale(self.ops.ifft2(fields), float(fields.shape[-1]))

    def propagate(self, waves: Array) -> Array:
        """Carry waves to the far field; energy is conserved and zero frequency lands at [N/2, N/2]."""
        return self.ops.fftshift(self.far_field(waves))

    def back_propagate(self, fields: Array) -> Array:
        """Invert `propagate`."""
        return self.near_field(self.ops.ifftshift(fields))

    def _shift_matrix(self, shift: Array, rows: Length, columns: Length) -> Array:
        """Give the linear-interpolation matrices (..., rows, columns) that move a line from its centre."""
        target, source = self.ops.arange(0, rows, shift), self.ops.arange(0, columns, shift)
        moved = shift[..., None, None] + self._number(rows // 2 - columns // 2, shift)
        # The hat function max(0, 1 - |d|) is linear interpolation. Centres are pixels n // 2, where the
        # detector has its zero frequency, for even and odd sides alike.
        distance = (target[:, None] - source[None, :]) - moved
        return self.ops.maximum(1 - self.ops.absolute(distance), 0.0)

    def _number(self, length: Length, like: Array) -> Array:
        # A length may be an integer array, which does not mix with real ones.
        return length if isinstance(length, int) else self.ops.cast_like(length, like)

    def _apply(self, matrix_y: Array, images: Array, matrix_x: Array) -> Array:
        """Apply separable real matrices to the rows and columns of real or complex images."""
        ops = self.ops
        if ops.is_complex(images):
            # Two real products cost half of a complex one whose matrices have no imaginary part.
            parts = (self._apply(matrix_y, part, matrix_x) for part in (ops.real(images), ops.imag(images)))
            return ops.join_parts(*parts)
        return ops.matmul(ops.matmul(matrix_y, images), matrix_x, transpose_right=True)

    def place(self, images: Array, offsets: Array, side: Length) -> Array:
        """Move images by their offsets and lay them centred on squares of another side, zero outside.

        Bilinear interpolation is separable, so one banded matrix per axis moves, pads and crops in one
        product, differentiable with respect to the images and the offsets alike.

        Args:
            images: Real or complex images, shape (..., N, N).
            offsets: Displacement [x, y] in pixels, shape (..., 2).
            side: Side of the result; larger pads, smaller crops around pixel N/2.

        Returns:
            Images of shape (..., side, side).
        """
        n = self.ops.shape(images)[-1]
        matrix_x = self._shift_matrix(offsets[..., 0], side, n)
        matrix_y = self._shift_matrix(offsets[..., 1], side, n)
        return self._apply(matrix_y, images, matrix_x)

    def translate(self, images: Array, offsets: Array) -> Array:
        """Move the content of images by +offsets = [x, y] pixels, bilinear, with zeros flowing in."""
        return self.place(images, offsets, self.ops.shape(images)[-1])

    def reach(self, relative: Array) -> Length:
        """Give the whole pixels that the farthest position lies away along an axis."""
        return self.ops.whole_pixels(self.ops.absolute(relative))

    def canvas_side(self, relative: Array, n: Length) -> Length:
        """Give the side of a square canvas on which no position of any group is cut off."""
        return n + 2 * self.reach(relative)

    def merge_group(self, patches: Array, relative: Array, weights: Array) -> Array:
        """Average the overlapping patches of each group on a canvas of its own.

        Args:
            patches: Complex object patches, shape (B, C, N, N).
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
            weights: Non-negative confidence of each patch pixel, shape (N, N).

        Returns:
            Canvases, shape (B, M, M); pixels that no weight reaches are zero.
        """
        ops = self.ops
        shape = ops.shape(patches)
        side = self.canvas_side(relative, shape[-1])
        # Weights travel with the same interpolation as the patches: a constant stays that constant.
        placed = ops.reduce_sum(self.place(ops.scale(patches, weights), -relative, side), 1)
        total = ops.reduce_sum(self.place(ops.broadcast_to(weights, shape), -relative, side), 1)
        reached = total > COVERAGE_FLOOR * ops.reduce_max(total, IMAGE_AXES, keepdims=True)
        # Divide by 1 where nothing is: the gradient of an unchosen 1 / 0 would be 0 times infinity, NaN.
        divisor = ops.where(reached, total, 1.0)
        return ops.scale(placed, ops.where(reached, 1 / divisor, 0.0))

    def extract_group(self, canvas: Array, relative: Array, n: Length) -> Array:
        """Cut each position's N x N window out of its group's canvas: (B, M, M) -> (B, C, N, N)."""
        groups, *sides = self.ops.shape(canvas)
        copies = self.ops.broadcast_to(canvas[:, None], (groups, relative.shape[1], *sides))
        return self.place(copies, relative, n)

    def overlap(self, patches: Array, relative: Array, weights: Array) -> Array:
        """Make the patches of each group agree where they overlap: merge, then extract.

        A group of one position keeps its patch untouched.
        """
        if patches.shape[1] == 1:
            return patches
        canvas = self.merge_group(patches, relative, weights)
        return self.extract_group(canvas, relative, self.ops.shape(patches)[-1])

    def disk_mask(self, n: int, like: Array) -> Array:
        """Give 1 within N/4 of pixel [N/2, N/2] and 0 beyond, shape (N, N), in the type of `like`."""
        axis = self.ops.arange(0, n, like) - n // 2
        inside = self.ops.square(axis)[:, None] + self.ops.square(axis)[None, :] <= (n / 4) ** 2
        return self.ops.cast_like(inside, like)

    def smooth(self, waves: Array, sigma: float) -> Array:
        """Blur complex waves with a Gaussian of `sigma` pixels, cut at four sigma, zero outside the frame."""
        if sigma == 0:
            return waves
        ops = self.ops
        reach = int(SMOOTHING_REACH_SIGMAS * sigma + 0.5)
        axis = ops.arange(0, ops.shape(waves)[-1], waves)
        distance = ops.absolute(axis[:, None] - axis[None, :])
        # Divided by the sum of the whole kernel, also where the frame cuts it: scipy, which the reference
        # uses, does not make up for what flows out either.
        total = ops.reduce_sum(ops.exp(-0.5 * ops.square(ops.arange(-reach, reach + 1, waves) / sigma)))
        matrix = ops.where(distance <= reach, ops.exp(-0.5 * ops.square(distance / sigma)), 0.0) / total
        return self._apply(matrix, waves, matrix)

    def exit_waves(
        self, patches: Array, probe: Array, *, disk: Array | None = None, sigma: float = 0.0
    ) -> Array:
        """Illuminate every patch with every probe mode, then apply the disk and the smoothing where asked.

        Args:
            patches: Complex transmission, shape (..., N, N).
            probe: Complex modes in normalised amplitude, shape (P, N, N).
            disk: Mask of the illuminated field, shape (N, N), or None.
            sigma: Width of the Gaussian smoothing in pixels; 0 switches it off.

        Returns:
            Exit waves, shape (..., P, N, N).

        Source:
            Thibault and Menzel, Nature 494, 68 (2013): mixed states.
        """
        waves = patches[..., None, :, :] * probe
        if disk is not None:
            # Before the blur, as in the reference: the edge of the disk is blurred too.
            waves = self.ops.scale(waves, disk)
        return self.smooth(waves, sigma)

    def intensity(self, waves: Array) -> Array:
        """Add the far-field intensities of incoherent modes: (..., P, N, N) -> (..., N, N)."""
        modes = self.ops.power(self.ops.fft2(waves))
        total = modes[..., 0, :, :] if waves.shape[-3] == 1 else self.ops.reduce_sum(modes, -3)
        # Scaled and shifted as one real image, which is half of the numbers of a complex field, or less.
        return self.ops.fftshift(total) / waves.shape[-1] ** 2

    def amplitude(self, waves: Array) -> Array:
        """Give the far-field amplitude of incoherent modes, with a finite slope where it vanishes."""
        return self.ops.sqrt(self.ops.maximum(self.intensity(waves), INTENSITY_FLOOR))

    def illumination(self, probe: Array) -> Array:
        """Add the intensities of all probe modes: (..., P, N, N) -> (..., N, N)."""
        return self.ops.reduce_sum(self.ops.power(probe), -3)

    def back_project(self, measured: Array, probe: Array, level: float = WIENER_LEVEL) -> Array:
        """Estimate the object from measured amplitudes and the phase of the empty beam.

        The measured amplitude takes the phase of the main probe mode's far field, travels back, and is
        divided by the probe with a Wiener filter.

        Args:
            measured: Far-field amplitude, zero frequency at [N/2, N/2], shape (..., N, N).
            probe: Complex modes, main mode first, shape (P, N, N).
            level: Regularisation, as a fraction of the brightest probe intensity.

        Returns:
            Complex object estimates, shape (..., N, N).
        """
        ops = self.ops
        main = probe[0]
        wave = self.back_propagate(ops.polar(measured, ops.phase(self.propagate(main))))
        bright = ops.power(main)
        return wave * ops.scale(ops.conj(main), 1 / (bright + level * ops.reduce_max(bright)))

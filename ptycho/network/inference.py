"""From measured amplitudes to patches, and from patches to the amplitudes that they explain.

Shape legend: B groups, C positions of a group, P probe modes, N patch side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptyconf.errors import error_text

from .canvases import ScanCanvas
from .prediction import Prediction
from .unrolled import FramesInPortions, Illumination, for_each_position

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptycho.physics.forward_model import ForwardModel
    from ptycho.physics.operations import Array

    from .settings import NetworkSettings
    from .unrolled import UnrolledUNet


REMEMBERED_PIXELS = 2**26
"""Numbers of 4 bytes that are kept from pass to pass of a whole scan, 256 MB: 3,200 frames of 64 x 64."""


class Light(NamedTuple):
    """What belongs to a scan and not to the network; with a leading axis where groups are of several scans.

    Attributes:
        probe: Complex modes on the network's scale, shape (P, N, N) or (B, 1, P, N, N).
        scale: Measured s, so that (s X)² are counts, shape () or (B, 1, 1, 1).
        good: True where a detector pixel is good, shape (N, N) or (B, 1, N, N).
        ceiling: Normalised amplitude from which on a pixel is saturated, shape () or (B, 1, 1, 1), or None.
    """

    probe: Array
    scale: Array
    good: Array
    ceiling: Array | None = None


class Inference:
    """Network, probe and forward model in one differentiable piece; a backend's network inherits this.

    A backend makes one from the settings; the probe modes on the network's scale, complex, shape (P, N, N)
    or (N, N); the measured intensity scale s, so that (s X)² are counts; a mask, True where a detector pixel
    is good, shape (N, N), or None for all (what bad pixels say never enters the network); and the seed of
    the weights to start from, or None where others are loaded next. A probe or a mask that does not fit the
    settings is a ValueError.

    Attributes:
        settings: Shape and physics.
        physics: The forward model over the backend's operations.
        core: The architecture, called as its entry in the registry says.
        probe_parts: Real and imaginary part of the probe, shape (P, N, N, 2); a variable of the backend.
        log_gain: Logarithm of the learned gain; a variable of the backend.
        measured_scale: Measured s, so that (s X)² are counts; a variable of the backend.
        mask: True where a detector pixel is good, shape (N, N); a variable of the backend.
    """

    settings: NetworkSettings
    physics: ClassVar[ForwardModel]
    core: Any

    probe_parts: Any
    log_gain: Any
    measured_scale: Any
    mask: Any

    @staticmethod
    def tensor(variable: Any) -> Any:
        """Read a variable of the backend as an array of its operations."""
        return variable

    @property
    def probe(self) -> Any:
        """Complex probe modes on the network's scale, shape (P, N, N)."""
        parts = self.tensor(self.probe_parts)
        return self.physics.ops.join_parts(parts[..., 0], parts[..., 1])

    @property
    def gain(self) -> Any:
        """The learned factor between the model's and the measured amplitude."""
        return self.physics.ops.exp(self.tensor(self.log_gain))

    @property
    def good_pixels(self) -> Any:
        """True where a detector pixel is good, shape (N, N)."""
        return self.tensor(self.mask)

    def detector(self, light: Light | None) -> tuple[Any, Any]:
        """Give scale and good pixels of a light, or of the scan that the network was made for."""
        if light is None:
            return self.tensor(self.measured_scale), self.good_pixels
        return light.scale, light.good

    @property
    def intensity_scale(self) -> Any:
        """The scale in force: the measured s times the learned gain."""
        return self.tensor(self.measured_scale) * self.gain

    @property
    def disk(self) -> Array | None:
        """Mask of the illuminated field, shape (N, N), or None where all of it passes."""
        like = self.physics.ops.real(self.probe)
        return self.physics.disk_mask(self.settings.N, like) if self.settings.probe_mask else None

    def patches(
        self,
        measured: Array,
        relative: Array | None = None,
        good: Array | None = None,
        probe: Array | None = None,
    ) -> Array:
        """Infer complex object patches; where the architecture merges groups, they agree within them already.

        Args:
            measured: Normalised amplitude X, shape (B, C, N, N).
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2); None for single positions.
            good: True where a detector pixel is good, shape (N, N); None takes the mask of the training.
            probe: Complex modes; None takes the network's own.

        Returns:
            Complex patches, shape (B, C, N, N).
        """
        ops = self.physics.ops
        probe = self.probe if probe is None else probe
        good = self.good_pixels if good is None else good
        if not self.settings.kind.takes_probe:
            return self.core(ops.where(good, measured, 0.0))
        if relative is None:
            relative = ops.zeros((*ops.shape(measured)[:2], 2), measured)
        return self.core(self.light(measured, good, probe), relative)

    def light(self, measured: Array, good: Array, probe: Array | None = None) -> Illumination:
        """Give what an architecture that takes the probe is called with.

        Args:
            measured: Normalised amplitude X, shape (B, C, N, N).
            good: True where a detector pixel is good, shape (N, N).
            probe: Complex modes; None takes the network's own.
        """
        ops = self.physics.ops
        # Probe and gain are learned from the misfit of the prediction alone: through the inference, too, they
        # would be driven to whatever makes the network's input easy.
        return Illumination(
            physics=self.physics,
            measured=ops.where(good, measured, 0.0) / ops.detach(self.gain),
            good=good,
            probe=ops.detach(self.probe if probe is None else probe),
            disk=self.disk,
            sigma=self.settings.gaussian_smoothing_sigma,
        )

    def picture(self, frames: Callable[[slice], Array], relative: Array, good: Array, portion: int) -> Array:
        """Reconstruct a whole scan, for an architecture whose frames meet on one canvas.

        Args:
            frames: Gives the normalised amplitudes X of some frames, shape (K, N, N).
            relative: A pixel of the picture's grid minus position [x, y] in pixels, shape (n, 2).
            good: True where a detector pixel is good, shape (N, N).
            portion: Frames at a time: what they need passes through the caches of a processor.

        Returns:
            The complex picture, shape (H, W): the smallest that holds all patches, with rows and columns
            behind it that round its sides up.
        """

        def light(span: slice) -> Illumination:
            return self.light(frames(span)[None], good).cornered()

        unrolled: UnrolledUNet = self.core.blocks
        canvas = ScanCanvas(self.physics, relative[None], self.settings.N, unrolled.depth.multiple)
        spans = [slice(start, start + portion) for start in range(0, relative.shape[0], portion)]
        # Of each pixel: the measurement, its place on the canvas (8 bytes), and complex modes.
        numbers = 3 + 2 * self.settings.probe_modes
        remembered = REMEMBERED_PIXELS // (portion * numbers * self.settings.N**2)
        *_, picture = unrolled.pictures(FramesInPortions(canvas, light, spans, remembered))
        return picture[0]

    def agreed_patches(
        self,
        measured: Array,
        relative: Array | None = None,
        good: Array | None = None,
        probe: Array | None = None,
    ) -> Array:
        """Infer the patches of each group and let them agree, where the architecture does not by itself."""
        probe = self.probe if probe is None else probe
        patches = self.patches(measured, relative, good, probe)
        merging = self.settings.object_big and not self.settings.kind.merges_groups
        if not merging or relative is None:
            return patches
        weights = self.physics.illumination(self.physics.ops.detach(probe))
        return self.physics.overlap(patches, relative, weights)

    def diffract(self, patches: Array, probe: Array | None = None) -> Array:
        """Predict the far-field amplitude of patches in the units of X: (..., N, N) -> (..., N, N)."""
        sigma = self.settings.gaussian_smoothing_sigma
        probe = self.probe if probe is None else probe
        waves = self.physics.exit_waves(patches, probe, disk=self.disk, sigma=sigma)
        return self.gain * self.physics.amplitude(waves)

    def predict_groups(
        self, measured: Array, relative: Array | None = None, light: Light | None = None
    ) -> Prediction:
        """Infer the patches of each group, make them agree, and predict their diffraction.

        Args:
            measured: Normalised amplitude X, shape (B, C, N, N).
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
            light: Probe and mask of each group's scan; None takes the network's own.

        Returns:
            Patches and amplitudes, shapes (B, C, N, N).
        """
        good, probe = (None, None) if light is None else (light.good, light.probe)
        if self.settings.kind.whole_scan:
            return self._predict_windows(measured, relative, good, probe)
        patches = self.agreed_patches(measured, relative, good, probe)
        return Prediction(patches, self.diffract(patches, probe))

    def _predict_windows(
        self, measured: Array, relative: Array | None, good: Array | None, probe: Array | None
    ) -> Prediction:
        """Predict at whole pixels, under a probe moved by the rest: patches between pixels are blurred."""
        ops = self.physics.ops
        if relative is None:
            relative = ops.zeros((*ops.shape(measured)[:2], 2), measured)
        good = self.good_pixels if good is None else good
        probe = self.probe if probe is None else probe
        canvas, picture = self.core.blocks.reconstruct(self.light(measured, good, probe), relative)
        patches = canvas.cut(picture)
        if not self.settings.object_big:
            probe = for_each_position(ops, probe, 3, relative.shape[1])
        waves = self.physics.exit_waves(
            patches, canvas.lit_by(probe), disk=self.disk, sigma=self.settings.gaussian_smoothing_sigma
        )
        amplitude = self.gain * self.physics.amplitude(waves)
        shape = ops.shape(measured)
        return Prediction(ops.reshape(canvas.at_positions(patches), shape), ops.reshape(amplitude, shape))


def fitting_mask(mask: NDArray[np.bool_] | None, n: int) -> NDArray[np.bool_]:
    """Give the mask of a detector of n x n pixels; without one, all pixels are good.

    Raises:
        ValueError: It has another shape.
    """
    good = np.ones((n, n), bool) if mask is None else np.array(mask, dtype=bool)
    if good.shape != (n, n):
        raise ValueError(
            error_text(
                f"the mask of shape {good.shape} does not fit the detector",
                expected=f"true at good pixels, shape ({n}, {n}) (model.N)",
                hint="a mask of the size of the frames after data.crop_px and data.bin",
            )
        )
    return good


def fitting_probe(
    probe: NDArray[np.complexfloating[Any, Any]], settings: NetworkSettings
) -> NDArray[np.complexfloating[Any, Any]]:
    """Give the modes of a probe (P, N, N) or (N, N) that fits the settings.

    Raises:
        ValueError: It does not.
    """
    modes = probe[None] if probe.ndim == 2 else probe
    expected = (settings.probe_modes, settings.N, settings.N)
    if modes.shape != expected or not np.iscomplexobj(modes):
        raise ValueError(
            error_text(
                f"the probe of shape {probe.shape} and type {probe.dtype} does not fit the network",
                expected=f"complex, shape {expected} (model.probe_modes, model.N, model.N)",
                hint="a probe of that size, or other values of model.N and model.probe_modes",
            )
        )
    return modes

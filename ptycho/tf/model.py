"""The network with its physics: measured amplitudes in, object patches and explained amplitudes out.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, F feature channels.
"""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho.network.architecture import CNN_FILTERS
from ptycho.network.settings import NetworkSettings

from . import physics
from .layers import Block, Decoder, Encoder, Head, Policy, amplitude_activation, bounded_phase, initialise
from .prediction import Prediction
from .unrolled import Illumination, UnrolledUNet

__all__ = ["NetworkSettings", "Prediction", "PtychoNetwork"]


class FarFieldCNN(Block):
    """Map far-field amplitudes straight to amplitude and phase images ('cnn').

    Args:
        settings: Shape of the network.
        dtype: Precision.
    """

    def __init__(self, settings: NetworkSettings, *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype)
        filters = [settings.n_filters_scale * base for base in CNN_FILTERS[settings.N]]
        upward = filters[-2::-1] if settings.pad_object else [*filters[-2::-1], filters[0]]
        bounds = {"amplitude": amplitude_activation(settings.amp_activation), "phase": bounded_phase}
        padded, framed, images = settings.pad_object, settings.probe_big, settings.positions
        self.encoder = Encoder(images, filters, attentive=settings.cbam_encoder, dtype=dtype)
        self.amplitude_decoder = Decoder(filters[-1], upward, dtype=dtype)
        self.phase_decoder = Decoder(filters[-1], upward, dtype=dtype)
        self.amplitude_head, self.phase_head = (
            Head(upward[-1], images, bounds[name], padded=padded, framed=framed, dtype=dtype)
            for name in ("amplitude", "phase")
        )

    def call(self, measured: tf.Tensor) -> tf.Tensor:
        """Map X (B, C, N, N) to complex patches (B, C, N, N)."""
        features = self.encoder(_channels_last(measured))
        amplitude = self.amplitude_head(self.amplitude_decoder(features))
        phase = self.phase_head(self.phase_decoder(features))
        return physics.polar(_channels_first(amplitude), _channels_first(phase))


def _channels_last(images: tf.Tensor) -> tf.Tensor:
    return images[:, 0, ..., None] if images.shape[1] == 1 else tf.transpose(images, (0, 2, 3, 1))


def _channels_first(images: tf.Tensor) -> tf.Tensor:
    return images[:, None, ..., 0] if images.shape[-1] == 1 else tf.transpose(images, (0, 3, 1, 2))


class PtychoNetwork(keras.Model):
    """Network, probe and forward model in one differentiable piece.

    Args:
        settings: Shape and physics.
        probe: Complex probe modes on the network's scale, shape (P, N, N) or (N, N).
        intensity_scale: Measured s, so that (s X)² are counts.
        mask: True where a detector pixel is good, shape (N, N); None takes all. What bad pixels say never
            enters the network.
        seed: Seed of the initial weights.
        dtype: Precision policy of the weights and the convolutions; physics keeps the weights' precision.

    Raises:
        ValueError: The probe or the mask does not fit the settings.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        probe: NDArray[np.complexfloating[Any, Any]],
        intensity_scale: float,
        mask: NDArray[np.bool_] | None = None,
        seed: int = 0,
        *,
        dtype: Policy = None,
    ) -> None:
        super().__init__(dtype=dtype, autocast=False)
        self.settings = settings
        modes = _check_probe(np.asarray(probe), settings)
        good = _check_mask(mask, settings.N)
        self.core: FarFieldCNN | UnrolledUNet = (
            FarFieldCNN(settings, dtype=dtype)
            if settings.architecture == "cnn"
            else UnrolledUNet(settings, dtype=dtype)
        )
        initialise(self.core, seed)
        parts = np.stack([modes.real, modes.imag], axis=-1)
        self.probe_parts = self._hold("probe_parts", parts, trainable=settings.probe_trainable)
        self.log_gain = self._hold("log_gain", np.zeros(()), trainable=settings.intensity_scale_trainable)
        self.measured_scale = self._hold("measured_scale", np.array(float(intensity_scale)))
        self.mask = self._hold("mask", good)
        self.built = True

    def _hold(self, name: str, value: NDArray[Any], *, trainable: bool = False) -> Any:
        dtype = "bool" if value.dtype == bool else self.variable_dtype
        held = self.add_weight(
            shape=value.shape,
            dtype=dtype,
            name=name,
            trainable=trainable,
            initializer="zeros",
            autocast=False,
        )
        held.assign(value)
        return held

    @property
    def probe(self) -> tf.Tensor:
        """Complex probe modes on the network's scale, shape (P, N, N)."""
        parts = tf.convert_to_tensor(self.probe_parts)
        return tf.complex(parts[..., 0], parts[..., 1])

    @property
    def intensity_scale(self) -> tf.Tensor:
        """The scale in force: the measured s times the learned gain."""
        return tf.convert_to_tensor(self.measured_scale) * self._gain

    @property
    def _gain(self) -> tf.Tensor:
        return tf.exp(tf.convert_to_tensor(self.log_gain))

    @property
    def _disk(self) -> tf.Tensor | None:
        if not self.settings.probe_mask:
            return None
        return physics.disk_mask(self.settings.N, dtype=tf.as_dtype(self.variable_dtype))

    def patches(
        self, measured: tf.Tensor, relative: tf.Tensor | None = None, good: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Infer complex object patches; those of the unet agree within their group already.

        Args:
            measured: Normalised amplitude X, shape (B, C, N, N).
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2); None for single positions.
            good: True where a detector pixel is good, shape (N, N); None takes the mask of the training.

        Returns:
            Complex patches, shape (B, C, N, N).
        """
        good = tf.convert_to_tensor(self.mask if good is None else good)
        measured = tf.where(good, measured, 0)
        if isinstance(self.core, FarFieldCNN):
            return self.core(measured)
        if relative is None:
            relative = tf.zeros((*tf.unstack(tf.shape(measured)[:2]), 2), measured.dtype)
        light = Illumination(
            measured=measured / tf.stop_gradient(self._gain),
            good=good,
            probe=tf.stop_gradient(self.probe),
            disk=self._disk,
            sigma=self.settings.gaussian_smoothing_sigma,
        )
        return self.core.infer(light, relative)

    def agreed_patches(
        self, measured: tf.Tensor, relative: tf.Tensor | None = None, good: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Infer the patches of each group and let them agree, as `patches` does for the unet already."""
        patches = self.patches(measured, relative, good)
        merging = self.settings.object_big and isinstance(self.core, FarFieldCNN)
        if not merging or relative is None:
            return patches
        return physics.overlap(patches, relative, physics.illumination(tf.stop_gradient(self.probe)))

    @functools.cached_property
    def patches_graph(self) -> Any:
        """The graph of `patches` for whole groups, compiled once for all batch sizes."""
        C, N = self.settings.positions, self.settings.N
        measured, relative = (tf.TensorSpec((None, *shape)) for shape in ((C, N, N), (C, 2)))
        return tf.function(self.patches, autograph=False).get_concrete_function(measured, relative)

    def diffract(self, patches: tf.Tensor) -> tf.Tensor:
        """Predict the far-field amplitude of patches in the units of X: (..., N, N) -> (..., N, N)."""
        sigma = self.settings.gaussian_smoothing_sigma
        waves = physics.exit_waves(patches, self.probe, disk=self._disk, sigma=sigma)
        return self._gain * physics.amplitude(waves)

    @functools.cached_property
    def leaders_graph(self) -> Any:
        """The graph that infers what `Engine.infer` tells, with the mask of a scan, compiled once for all."""
        C, N = self.settings.positions, self.settings.N

        def leaders(
            frames: tf.Tensor, members: tf.Tensor, relative: tf.Tensor, shown: tf.Tensor, good: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            patches = self.agreed_patches(tf.gather(frames, members), relative, good)[:, 0]
            return patches, self.diffract(tf.gather(patches, shown))

        # Compiled here, not by its first call: TensorFlow counts such calls, and warns a process that makes
        # many of them, as one that reconstructs small scans with many networks does.
        return tf.function(leaders, autograph=False).get_concrete_function(
            tf.TensorSpec((None, N, N), tf.float32),
            tf.TensorSpec((None, C), tf.int64),
            tf.TensorSpec((None, C, 2), tf.float32),
            tf.TensorSpec((None,), tf.int64),
            tf.TensorSpec((N, N), tf.bool),
        )

    def call(self, inputs: tf.Tensor | tuple[tf.Tensor, tf.Tensor | None]) -> Prediction:
        """Infer the patches of each group, make them agree, and predict their diffraction.

        Args:
            inputs: Normalised amplitude X, shape (B, C, N, N), and group mean minus position [x, y] in
                pixels, shape (B, C, 2); the amplitude alone for single positions.

        Returns:
            Patches and amplitudes, shapes (B, C, N, N).
        """
        measured, relative = inputs if isinstance(inputs, (tuple, list)) else (inputs, None)
        patches = self.agreed_patches(measured, relative)
        return Prediction(patches, self.diffract(patches))


def _check_mask(mask: NDArray[np.bool_] | None, n: int) -> NDArray[np.bool_]:
    good = np.ones((n, n), bool) if mask is None else np.asarray(mask, dtype=bool)
    if good.shape != (n, n):
        raise ValueError(
            f"the mask of shape {good.shape} does not fit the detector\n"
            f"  expected  true at good pixels, shape ({n}, {n}) (model.N)\n"
            "  try       a mask of the size of the frames after data.crop_px and data.bin"
        )
    return good


def _check_probe(
    probe: NDArray[np.complexfloating[Any, Any]], settings: NetworkSettings
) -> NDArray[np.complexfloating[Any, Any]]:
    modes = probe[None] if probe.ndim == 2 else probe
    expected = (settings.probe_modes, settings.N, settings.N)
    if modes.shape != expected or not np.iscomplexobj(modes):
        raise ValueError(
            f"the probe of shape {probe.shape} and type {probe.dtype} does not fit the network\n"
            f"  expected  complex, shape {expected} (model.probe_modes, model.N, model.N)\n"
            "  try       a probe of that size, or other values of model.N and model.probe_modes"
        )
    return modes

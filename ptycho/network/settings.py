"""What a network is made of: plain values that travel in bundles and checkpoints."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ptycho.settings.choices import MODEL_TYPES
from ptycho.settings.registries import ARCHITECTURES

from .activations import require_activation
from .architecture import Architecture, architecture_named


@dataclass(frozen=True)
class NetworkSettings:
    """Shape and physics of a network.

    Attributes:
        N: Side of a diffraction pattern and of a patch, in pixels.
        gridsize: Side of a group; a group holds gridsize² positions.
        architecture: Name of an entry of the registry of architectures.
        n_filters_scale: Factor on the number of feature channels.
        amp_activation: Bounds the object amplitude.
        pad_object: The cnn's heads fill the central N/2 square (cnn only).
        probe_big: A second branch of the cnn's heads fills the outer frame (cnn only).
        object_big: Merge the patches of a group in real space before the forward model.
        probe_mask: Cut the illuminated field by a disk of radius N/4.
        gaussian_smoothing_sigma: Blur of the exit waves in pixels.
        model_type: "pinn" or "supervised".
        unet_stages: Passes of the unet (unet only).
        probe_modes: Incoherent probe modes.
        probe_trainable: Learn the probe.
        intensity_scale_trainable: Learn a gain between the model's and the measured amplitude.
        cbam_encoder: Block attention at the end of each encoder level (cnn only).
        turn_frames: Turn frames by 180 degrees before the network looks at them (cnn only).
    """

    N: int = 64
    gridsize: int = 1
    architecture: str = "cnn"
    n_filters_scale: int = 2
    amp_activation: str = "sigmoid"
    pad_object: bool = True
    probe_big: bool = True
    object_big: bool = True
    probe_mask: bool = False
    gaussian_smoothing_sigma: float = 0.0
    model_type: str = "pinn"
    unet_stages: int = 2
    probe_modes: int = 1
    probe_trainable: bool = False
    intensity_scale_trainable: bool = True
    cbam_encoder: bool = False
    turn_frames: bool = False

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"Invalid architecture '{self.architecture}'. Expected one of {sorted(ARCHITECTURES)}."
            )
        self.kind.require_side(self.N)
        if self.model_type not in MODEL_TYPES:
            raise ValueError(
                f"Invalid model_type '{self.model_type}'. Expected one of {sorted(MODEL_TYPES)}."
            )
        require_activation(self.amp_activation)
        for name in ("gridsize", "n_filters_scale", "unet_stages", "probe_modes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.gaussian_smoothing_sigma < 0:
            raise ValueError(
                f"gaussian_smoothing_sigma must be non-negative, got {self.gaussian_smoothing_sigma}"
            )

    @property
    def kind(self) -> Architecture:
        """What the architecture can do."""
        return architecture_named(self.architecture)

    @property
    def positions(self) -> int:
        """Positions of a group, C."""
        return self.gridsize**2

    @classmethod
    def of(cls, model: Any, training: Any = None) -> Self:
        """Read the settings off the configuration classes of `ptycho.config.config`.

        Args:
            model: A ModelConfig.
            training: A TrainingConfig; None gives a network with nothing but its weights to learn.
        """
        taken = {f.name: getattr(model, f.name) for f in fields(cls) if hasattr(model, f.name)}
        for name in ("probe_trainable", "intensity_scale_trainable"):
            taken[name] = bool(getattr(training, name)) if training is not None else False
        taken["turn_frames"] = bool(taken.get("turn_frames"))  # None asks a beam, which is not known here.
        return cls(**taken)

    def as_dict(self) -> dict[str, Any]:
        """Return the values as JSON types; `NetworkSettings(**values)` is the way back."""
        return asdict(self)

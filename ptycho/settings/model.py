"""Section `model`: what the network is and which physics stands behind it, one line a setting."""

from dataclasses import dataclass
from typing import Literal

from ptycho.settings.checks import above_zero, choice, from_zero, positive
from ptycho.settings.choices import AMPLITUDE_ACTIVATIONS, MODEL_TYPES
from ptycho.settings.conditions import first, unless_used, where, whole_scans
from ptycho.settings.conversions import ACTIVATION, MASK, MODE, SQUARE
from ptycho.settings.field import Across, TorchName, described
from ptycho.settings.registries import ARCHITECTURES
from ptycho.settings.sides import side_of_some_architecture, side_of_the_architecture
from ptyconf import tracks_set_fields

__all__ = ["ModelConfig"]

_NO_SUCH = "Invalid {name} '{v}'. Expected one of {sorted}."


@tracks_set_fields
@dataclass
class ModelConfig:
    """What the network is and which physics stands behind it."""

    N: int = described(
        64,
        help="side of a diffraction frame and of an object patch; the architecture says which it takes",
        unit="px",
        check=side_of_some_architecture("64"),
        across=Across(
            ("model.architecture",), side_of_the_architecture, "a side of the architecture", in_class=True
        ),
        torch="DataConfig.N",
    )
    gridsize: int = described(
        1,
        help="a group is gridsize x gridsize overlapping patches",
        check=positive("1"),
        without_effect=whole_scans,
        torch=TorchName("DataConfig.grid_size", SQUARE),
    )
    n_filters_scale: int = described(
        2, help="multiplies the number of filters of every convolution", check=positive("2")
    )
    model_type: Literal["pinn", "supervised"] = described(
        "pinn",
        help="pinn learns from the diffraction alone, supervised from labelled patches",
        choices=MODEL_TYPES,
        check=choice(MODEL_TYPES, "pinn", _NO_SUCH),
        conversion=MODE,
        torch=TorchName("ModelConfig.mode", MODE),
    )
    amp_activation: Literal["sigmoid", "swish", "softplus", "relu"] = described(
        "sigmoid",
        help="last activation of the amplitude decoder",
        choices=AMPLITUDE_ACTIVATIONS,
        check=choice(AMPLITUDE_ACTIVATIONS, "sigmoid", "Unknown activation: {v}"),
        conversion=ACTIVATION,
        torch=TorchName("ModelConfig.amp_activation", ACTIVATION),
    )
    object_big: bool = described(
        True,
        help="merge the patches of a group in real space before the forward model",
        without_effect=where("model.gridsize", 1),
        legacy="object.big",
    )
    probe_big: bool = described(
        True,
        help="second decoder branch that fills the outer frame of a patch",
        without_effect=first(unless_used("probe_big"), where("model.pad_object", False)),
        legacy="probe.big",
    )
    probe_mask: bool = described(
        False,
        help="hard disk of radius N/4 on the illuminated field",
        conversion=MASK,
        torch=TorchName("ModelConfig.probe_mask", MASK),
        legacy="probe.mask",
    )
    pad_object: bool = described(
        True,
        help="decoder output lives in the central N/2 square and is zero padded",
        without_effect=unless_used("pad_object"),
    )
    probe_scale: float = described(
        4.0,
        help="divisor of the probe; acts only where it is set explicitly",
        check=above_zero("4.0"),
        only_if_written=True,
        torch="DataConfig.probe_scale",
    )
    gaussian_smoothing_sigma: float = described(
        0.0,
        help="width of the Gaussian that smooths the illuminated field; 0 turns it off",
        unit="px",
        check=from_zero("0.0"),
    )
    architecture: str = described(
        "cnn",
        help="cnn maps diffraction straight to a patch, unet refines back-projected patches of a group, "
        "canvas_unet those of a whole scan",
        choices=ARCHITECTURES,
        check=choice(ARCHITECTURES, "cnn", _NO_SUCH),
    )
    probe_modes: int = described(
        1,
        help="incoherent modes of the probe; the extra ones start as weak orthogonal modes of the first",
        check=positive("1"),
        legacy=False,
    )
    unet_stages: int = described(
        2,
        help="passes of the unets; each after the first sees where the picture contradicts the detector",
        check=positive("2"),
        without_effect=unless_used("unet_stages"),
        legacy=False,
    )
    cbam_encoder: bool = described(
        False,
        help="block attention (CBAM) at the end of each level of the cnn's encoder",
        without_effect=unless_used("cbam_encoder"),
        legacy=False,
    )
    turn_frames: bool | None = described(
        None,
        help="turn frames by 180 degrees before the cnn looks at them; none does where the beam converges on "
        "the sample, whose shadow then lies upside down",
        without_effect=unless_used("turn_frames"),
        legacy=False,
    )

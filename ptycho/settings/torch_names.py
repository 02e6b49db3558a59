# ruff: noqa: RUF009  `own` and `shared` are dataclasses.field with its metadata spelled out.
"""The torch-side configuration classes, under the names that torch users know.

They stand on this floor because the schema reads them; `ptycho_torch.config_params` is their public address.
A field either is a setting of its own, described here, or a name and a default of a setting that is described
in its section: one of the same section and name, or the one whose line gives this field as its torch name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ptycho.settings.checks import above_zero, positive
from ptycho.settings.conditions import always, first, unless, unless_used, where
from ptycho.settings.field import Across, DerivedFrom
from ptycho.settings.groups import channels
from ptycho.settings.sections import shared, shares_settings
from ptycho.settings.torch_fields import label, own, thaw
from ptyconf import Complaint

__all__ = ["DataConfig", "DatagenConfig", "InferenceConfig", "ModelConfig", "TrainingConfig"]

_CHANNELS = DerivedFrom(("model.gridsize",), channels, "gridsize squared")
_THAW = "fine-tuning of a trained network in stages"
_LONE_PATCHES = where("model.gridsize", 1)
_NO_DECODER = unless_used("pad_object")
_NO_OUTER_FRAME = first(_NO_DECODER, where("model.pad_object", False), where("model.probe_big", False))


def _attention(what: str, kind: str = "") -> Any:
    """Declare a block of attention that is not there; help names its kind, too."""
    text = f"{kind} {what}".lstrip()
    return own(False, help=text, unsupported=what, without_effect=_NO_DECODER)


def _an_amplitude_each(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    written, patches = settings[path], channels(settings["model.gridsize"])
    if written in (1, patches):
        return None
    return Complaint(
        f"decoder_last_amp_channels = {written}, and a group has {patches} patches",
        expected=f"{patches}, gridsize squared: an amplitude for each patch of a group",
        hint="leave model.decoder_last_amp_channels out",
    )


_AMPLITUDES = Across(("model.gridsize",), _an_amplitude_each, "an amplitude for each patch")


@dataclass
@shares_settings("data")
class DataConfig:
    """How frames become groups of normalised patches."""

    nphotons: float = shared(1e5)
    N: int = shared(64)
    C: int = own(4, help="channels of a group: gridsize squared", derived=_CHANNELS)
    K: int = shared(6)
    K_quadrant: int = own(
        30,
        help="neighbours looked at by the 4_quadrant search",
        without_effect=unless("data.neighbor_function", "4_quadrant"),
        offered=False,
    )
    n_subsample: int = own(
        7,
        help="groups drawn for each scan point",
        path="data.samples_per_point",
        unsupported="several groups drawn for each scan point",
        without_effect=_LONE_PATCHES,
    )
    subsample_seed: int | None = shared(None)
    grid_size: tuple[int, int] = shared((2, 2))
    neighbor_function: Literal["Nearest", "Min_dist", "4_quadrant"] = own(
        "Nearest",
        help="search that finds the neighbours of a scan point",
        unsupported="a search for neighbours other than by distance",
        without_effect=_LONE_PATCHES,
    )
    min_neighbor_distance: float = own(
        0.0,
        help="neighbours nearer than this are left out",
        unit="px",
        without_effect=unless("data.neighbor_function", "Min_dist"),
        offered=False,
    )
    max_neighbor_distance: float = own(
        3.0,
        help="neighbours farther than this are left out",
        unit="px",
        without_effect=unless("data.neighbor_function", "Min_dist"),
        offered=False,
    )
    scan_pattern: Literal["Isotropic", "Rectangular"] = own(
        "Isotropic",
        help="layout of the scan points",
        unsupported="grouping by the layout of the scan",
        without_effect=_LONE_PATCHES,
    )
    normalize: Literal["Group", "Batch"] = own(
        "Batch", help="what shares one normalisation factor", unsupported="normalisation group by group"
    )
    probe_scale: float = shared(4.0)
    probe_normalize: bool = own(
        True,
        help="bring the probe to the scale that the network can explain",
        unsupported="a probe left at another scale than the data",
    )
    data_scaling: Literal["Parseval", "Max"] = own(
        "Parseval", help="how frames are normalised", unsupported="normalisation by the largest value"
    )
    phase_subtraction: bool = own(True, help="remove the mean phase of labelled patches")
    x_bounds: tuple[float, float] = own(
        (0.1, 0.9),
        help="share of the scan used along x",
        unsupported="training on a part of the scan along x",
    )
    y_bounds: tuple[float, float] = own(
        (0.1, 0.9),
        help="share of the scan used along y",
        unsupported="training on a part of the scan along y",
    )
    probe_ramp_removal: bool = own(
        False, help="take a phase ramp off the probe", unsupported="a phase ramp taken off the probe"
    )


@dataclass
@shares_settings("model")
class ModelConfig:
    """What the torch network is."""

    mode: Literal["Supervised", "Unsupervised"] = shared("Unsupervised")
    intensity_scale_trainable: bool = shared(False)
    intensity_scale: float = own(
        1e4, help="intensity scale where nothing was measured", check=above_zero("1e4"), only_if_written=True
    )
    max_position_jitter: int = own(
        10,
        help="largest jitter of the scan positions",
        unit="px",
        unsupported="a network that allows for jitter of the positions",
    )
    C_model: int = own(4, help="channels of the network: gridsize squared", derived=_CHANNELS)
    n_filters_scale: int = shared(2)
    amp_activation: str = shared("silu")
    batch_norm: bool = own(
        False,
        help="normalise over the batch after each convolution",
        unsupported="batch normalisation",
        without_effect=_NO_DECODER,
    )
    probe_mask: Any = shared(False)
    edge_pad: int = own(
        10,
        help="frame of a patch that the second decoder branch fills",
        unit="px",
        unsupported="another width of the outer frame of a patch",
        without_effect=_NO_OUTER_FRAME,
    )
    decoder_last_c_outer_fraction: float = own(
        0.125,
        help="share of the last decoder's channels that fill the outer frame",
        unsupported="another share of channels for the outer frame",
        without_effect=_NO_OUTER_FRAME,
    )
    decoder_last_amp_channels: int = own(
        1,
        help="channels of the last amplitude convolution: gridsize squared, which 1 stands for too",
        across=_AMPLITUDES,
    )
    eca_encoder: bool = _attention("channel attention in the encoder", "efficient")
    cbam_encoder: bool = shared(False)
    cbam_bottleneck: bool = _attention("block attention in the bottleneck", "convolutional")
    cbam_decoder: bool = _attention("block attention in the decoder", "convolutional")
    eca_decoder: bool = _attention("channel attention in the decoder", "efficient")
    spatial_decoder: bool = _attention("spatial attention in the decoder")
    decoder_spatial_kernel: int = own(
        7,
        help="kernel of the spatial attention",
        unit="px",
        without_effect=where("model.spatial_decoder", False),
        offered=False,
    )
    object_big: bool = shared(True)
    probe_big: bool = shared(True)
    offset: int = own(
        6,
        help="nominal step between the patches of a group",
        unit="px",
        unsupported="groups on a nominal grid instead of the measured positions",
        without_effect=where("training.positions_provided", True),
    )
    C_forward: int = own(4, help="channels of the forward model: gridsize squared", derived=_CHANNELS)
    pad_object: bool = shared(True)
    gaussian_smoothing_sigma: float = shared(0.0)
    loss_function: Literal["MAE", "Poisson"] = shared("Poisson")
    amp_loss: Literal["Total_Variation", "Mean_Deviation"] | None = own(
        None, help="regularisation of the amplitude", unsupported="a regularisation of the amplitude alone"
    )
    phase_loss: Literal["Total_Variation", "Mean_Deviation"] | None = own(
        None, help="regularisation of the phase", unsupported="a regularisation of the phase alone"
    )
    amp_loss_coeff: float = own(
        1.0,
        help="weight of the amplitude regularisation",
        without_effect=where("model.amp_loss", None),
        offered=False,
    )
    phase_loss_coeff: float = own(
        1.0,
        help="weight of the phase regularisation",
        without_effect=where("model.phase_loss", None),
        offered=False,
    )
    architecture: Literal["cnn", "unet"] = shared("cnn")
    probe_modes: int = shared(1)
    use_shared_decoder: bool = own(
        False,
        help="one decoder for amplitude and phase",
        unsupported="one decoder for amplitude and phase",
        without_effect=_NO_DECODER,
    )
    num_datasets: int = own(
        1, help="scans that are trained on together", unsupported="training on several scans at once"
    )
    probe_reference_coeff: float = own(
        0.0,
        help="weight of what the probe departs from the given one",
        unsupported="a loss on the probe",
        without_effect=where("training.probe_trainable", False),
    )
    amplitude_variance_loss: bool = own(
        False,
        help="a loss on the variance of the amplitude",
        unsupported="a loss on the variance of the amplitude",
    )
    amplitude_variance_coeff: float = own(
        0.01,
        help="weight of the loss on the amplitude's variance",
        without_effect=where("model.amplitude_variance_loss", False),
        offered=False,
    )


@dataclass
@shares_settings("training")
class TrainingConfig:
    """How the torch network is trained."""

    training_directories: list[str] = own(
        help="folders of scans to train on", factory=list, unsupported="training on several scans at once"
    )
    nll: bool = shared(True)
    device: str = shared("cuda")
    strategy: str | None = shared("ddp")
    n_devices: int = shared(1)
    learning_rate: float = shared(1e-3)
    epochs: int = shared(50)
    batch_size: int = shared(16)
    epochs_fine_tune: int = own(
        0,
        help="further passes at a lower learning rate",
        unsupported="a second round of training at a lower learning rate",
    )
    fine_tune_gamma: float = own(
        0.1,
        help="factor on the learning rate of the further passes",
        without_effect=where("training.epochs_fine_tune", 0),
        offered=False,
    )
    scheduler: Literal["Default", "Exponential", "MultiStage", "Adaptive", "Cosine"] = shared("Default")
    num_workers: int = shared(4)
    accum_steps: int = shared(1)
    gradient_clip_val: float | None = shared(None)
    stage_1_epochs: int = own(
        0, help="passes of the first stage of a staged loss", unsupported="a loss that changes in stages"
    )
    stage_2_epochs: int = own(
        0, help="passes of the second stage of a staged loss", unsupported="a loss that changes in stages"
    )
    stage_3_epochs: int = own(
        0, help="passes of the third stage of a staged loss", unsupported="a loss that changes in stages"
    )
    physics_weight_schedule: str = own(
        "cosine",
        help="course of the physics weight between the stages",
        without_effect=where("training.stage_2_epochs", 0),
        offered=False,
    )
    stage_3_lr_factor: float = own(
        0.1,
        help="factor on the learning rate of the third stage",
        without_effect=where("training.stage_3_epochs", 0),
        offered=False,
    )
    torch_loss_mode: Literal["poisson", "mae"] = shared("poisson")
    experiment_name: str = label("Synthetic_Runs", "name of the experiment in a logger")
    notes: str = label("", "free text that a logger keeps")
    model_name: str = label("PtychoPINNv2", "name of the model in a logger")
    train_data_file: str | None = shared(None)
    test_data_file: str | None = shared(None)
    output_dir: str = shared("training_outputs")
    n_groups: int | None = shared(None)
    framework: str = own(
        "Lightning",
        help="library that runs the training loop",
        without_effect=always("Lightning runs the training loop"),
        offered=False,
    )
    orchestrator: str = own(
        "Lightning",
        help="library that keeps track of runs",
        without_effect=always("execution.logger_backend chooses what keeps track of runs"),
        offered=False,
    )
    warmup_epochs: int = shared(0)
    min_lr_ratio: float = shared(0.1)
    enable_staged_finetuning: bool = own(
        False, help="thaw the layers of a trained network stage by stage", unsupported=_THAW
    )
    finetune_stage1_epochs: int = thaw(7, "epochs of the first stage of the thaw", "epochs")
    finetune_stage2_epochs: int = thaw(7, "epochs of the second stage of the thaw", "epochs")
    finetune_stage3_epochs: int = thaw(5, "epochs of the third stage of the thaw", "epochs")
    finetune_stage1_lr_decoder: float = thaw(0.1, "factor on the decoder's rate, first stage")
    finetune_stage2_lr_encoder_top: float = thaw(0.01, "factor on the upper encoder's rate, second stage")
    finetune_stage2_lr_decoder: float = thaw(0.05, "factor on the decoder's rate, second stage")
    finetune_stage2_lr_phase_head: float = thaw(0.1, "factor on the phase head's rate, second stage")
    finetune_stage3_lr_encoder_bottom: float = thaw(0.005, "factor on the lower encoder's rate, third stage")
    finetune_stage3_lr_encoder_top: float = thaw(0.01, "factor on the upper encoder's rate, third stage")
    finetune_stage3_lr_decoder: float = thaw(0.02, "factor on the decoder's rate, third stage")
    finetune_stage3_lr_phase_head: float = thaw(0.05, "factor on the phase head's rate, third stage")
    finetune_skip_stage3: bool = thaw(True, "leave the third stage of the thaw out")
    finetune_early_stop_patience: int = thaw(
        3, "epochs without improvement before a stage of the thaw ends", "epochs"
    )
    finetune_val_split: float = thaw(0.05, "share of the groups held out during the thaw")


@dataclass
@shares_settings("inference")
class InferenceConfig:
    """How the torch network reconstructs."""

    middle_trim: int = shared(32)
    batch_size: int = own(1000, help="groups per inference step", check=positive("1000"))
    experiment_number: int = label(0, "number of the experiment in a logger")
    pad_eval: bool = shared(True)
    window: int = own(
        20,
        help="border left out of the scores",
        unit="px",
        without_effect=always("scores leave out what the beam did not see"),
        offered=False,
    )
    patch_weighting: Literal["probe", "uniform"] = own(
        "probe",
        help="what a pixel of a patch counts in the picture: its illumination, or every pixel the same",
    )


@dataclass
class DatagenConfig:
    """How synthetic scans are made."""

    objects_per_probe: int = own(4, help="objects simulated with each probe")
    diff_per_object: int = own(7000, help="frames simulated of each object")
    object_class: str = own("dead_leaves", help="kind of object")
    image_size: tuple[int, int] = own((250, 250), help="size of the object", unit="px")
    probe_paths: list[str] = own(help="files that the probes are taken from", factory=list)
    beamstop_diameter: int = own(4, help="diameter of the beam stop", unit="px")

# ruff: noqa: RUF009  `_described` is dataclasses.field with its metadata spelled out.
"""The torch-side configuration classes, under the names that torch users know.

They stand on this floor because the schema reads them; `ptycho_torch.config_params` is their public address.
A field that shares a setting with the TensorFlow side is described there. Which of the others the library
acts on is declared in `ptycho.settings.unsupported`.
"""

from dataclasses import dataclass
from typing import Any, Literal

from ptycho.settings.field import described

__all__ = ["DataConfig", "DatagenConfig", "InferenceConfig", "ModelConfig", "TrainingConfig"]


def _described(default: Any = None, help: str = "", **more: Any) -> Any:  # noqa: A002
    return described(default, help=help, legacy=False, **more)


@dataclass
class DataConfig:
    """How frames become groups of normalised patches."""

    nphotons: float = _described(1e5, "mean photons of one diffraction frame", unit="photons")
    N: int = _described(64, "side of a diffraction frame and of an object patch", unit="px")
    C: int = _described(4, "channels of a group: gridsize squared")
    K: int = _described(6, "nearest neighbours (self excluded) that a group is drawn from")
    K_quadrant: int = _described(30, "neighbours looked at by the 4_quadrant search")
    n_subsample: int = _described(7, "groups drawn for each scan point")
    subsample_seed: int | None = _described(None, "seed of the choice of frames and of the group draw")
    grid_size: tuple[int, int] = _described((2, 2), "patches of a group along x and y")
    neighbor_function: Literal["Nearest", "Min_dist", "4_quadrant"] = _described(
        "Nearest", "search that finds the neighbours of a scan point"
    )
    min_neighbor_distance: float = _described(0.0, "neighbours nearer than this are left out", unit="px")
    max_neighbor_distance: float = _described(3.0, "neighbours farther than this are left out", unit="px")
    scan_pattern: Literal["Isotropic", "Rectangular"] = _described("Isotropic", "layout of the scan points")
    normalize: Literal["Group", "Batch"] = _described("Batch", "what shares one normalisation factor")
    probe_scale: float = _described(4.0, "divisor of the probe; acts only where it is set explicitly")
    probe_normalize: bool = _described(True, "bring the probe to the scale that the network can explain")
    data_scaling: Literal["Parseval", "Max"] = _described("Parseval", "how frames are normalised")
    phase_subtraction: bool = _described(True, "remove the mean phase of labelled patches")
    x_bounds: tuple[float, float] = _described((0.1, 0.9), "share of the scan used along x")
    y_bounds: tuple[float, float] = _described((0.1, 0.9), "share of the scan used along y")
    probe_ramp_removal: bool = _described(False, "take a phase ramp off the probe")


@dataclass
class ModelConfig:
    """What the torch network is."""

    mode: Literal["Supervised", "Unsupervised"] = _described(
        "Unsupervised", "learn from labelled patches or from the diffraction alone"
    )
    intensity_scale_trainable: bool = _described(False, "learn the intensity scale together with the network")
    intensity_scale: float = _described(1e4, "intensity scale where nothing was measured")
    max_position_jitter: int = _described(10, "largest jitter of the scan positions", unit="px")
    C_model: int = _described(4, "channels of the network: gridsize squared")
    n_filters_scale: int = _described(2, "multiplies the number of filters of every convolution")
    amp_activation: str = _described("silu", "last activation of the amplitude decoder")
    batch_norm: bool = _described(False, "normalise over the batch after each convolution")
    probe_mask: Any = _described(False, "hard disk of radius N/4 on the illuminated field")
    edge_pad: int = _described(10, "frame of a patch that the second decoder branch fills", unit="px")
    decoder_last_c_outer_fraction: float = _described(
        0.125, "share of the last decoder's channels that fill the outer frame"
    )
    decoder_last_amp_channels: int = _described(
        1, "channels of the last amplitude convolution: gridsize squared, which 1 stands for too"
    )
    eca_encoder: bool = _described(False, "efficient channel attention in the encoder")
    cbam_encoder: bool = _described(False, "convolutional block attention in the encoder")
    cbam_bottleneck: bool = _described(False, "convolutional block attention in the bottleneck")
    cbam_decoder: bool = _described(False, "convolutional block attention in the decoder")
    eca_decoder: bool = _described(False, "efficient channel attention in the decoder")
    spatial_decoder: bool = _described(False, "spatial attention in the decoder")
    decoder_spatial_kernel: int = _described(7, "kernel of the spatial attention", unit="px")
    object_big: bool = _described(True, "merge the patches of a group before the forward model")
    probe_big: bool = _described(True, "second decoder branch that fills the outer frame of a patch")
    offset: int = _described(6, "nominal step between the patches of a group", unit="px")
    C_forward: int = _described(4, "channels of the forward model: gridsize squared")
    pad_object: bool = _described(True, "decoder output lives in the central N/2 square and is zero padded")
    gaussian_smoothing_sigma: float = _described(0.0, "width of the smoothing Gaussian", unit="px")
    loss_function: Literal["MAE", "Poisson"] = _described("Poisson", "data term of the loss")
    amp_loss: Literal["Total_Variation", "Mean_Deviation"] | None = _described(
        None, "regularisation of the amplitude"
    )
    phase_loss: Literal["Total_Variation", "Mean_Deviation"] | None = _described(
        None, "regularisation of the phase"
    )
    amp_loss_coeff: float = _described(1.0, "weight of the amplitude regularisation")
    phase_loss_coeff: float = _described(1.0, "weight of the phase regularisation")
    architecture: Literal["cnn", "unet"] = _described("cnn", "network that turns frames into patches")
    probe_modes: int = _described(1, "incoherent modes of the probe")
    use_shared_decoder: bool = _described(False, "one decoder for amplitude and phase")
    num_datasets: int = _described(1, "scans that are trained on together")
    probe_reference_coeff: float = _described(0.0, "weight of what the probe departs from the given one")
    amplitude_variance_loss: bool = _described(False, "a loss on the variance of the amplitude")
    amplitude_variance_coeff: float = _described(0.01, "weight of the loss on the amplitude's variance")


@dataclass
class TrainingConfig:
    """How the torch network is trained."""

    training_directories: list[str] = _described(help="folders of scans to train on", factory=list)
    nll: bool = _described(True, "the Poisson likelihood is part of the loss")
    device: str = _described("cuda", "accelerator")
    strategy: str | None = _described("ddp", "Lightning strategy")
    n_devices: int = _described(1, "devices to use")
    learning_rate: float = _described(1e-3, "step size of Adam")
    epochs: int = _described(50, "passes over the training groups")
    batch_size: int = _described(16, "groups per optimiser step")
    epochs_fine_tune: int = _described(0, "further passes at a lower learning rate")
    fine_tune_gamma: float = _described(0.1, "factor on the learning rate of the further passes")
    scheduler: Literal["Default", "Exponential", "MultiStage", "Adaptive", "Cosine"] = _described(
        "Default", "course of the learning rate"
    )
    num_workers: int = _described(4, "processes that load batches")
    accum_steps: int = _described(1, "batches whose gradients are summed before one optimiser step")
    gradient_clip_val: float | None = _described(None, "largest gradient")
    stage_1_epochs: int = _described(0, "passes of the first stage of a staged loss")
    stage_2_epochs: int = _described(0, "passes of the second stage of a staged loss")
    stage_3_epochs: int = _described(0, "passes of the third stage of a staged loss")
    physics_weight_schedule: str = _described("cosine", "course of the physics weight between the stages")
    stage_3_lr_factor: float = _described(0.1, "factor on the learning rate of the third stage")
    torch_loss_mode: Literal["poisson", "mae"] = _described("poisson", "data term of the loss")
    experiment_name: str = _described("Synthetic_Runs", "name of the experiment in a logger")
    notes: str = _described("", "free text that a logger keeps")
    model_name: str = _described("PtychoPINNv2", "name of the model in a logger")
    train_data_file: str | None = _described(None, "scan to train on (.npz)")
    test_data_file: str | None = _described(None, "scan to evaluate on after training (.npz)")
    output_dir: str = _described("training_outputs", "run folder of the training")
    n_groups: int | None = _described(None, "groups of patches drawn from the scan")
    framework: str = _described("Lightning", "library that runs the training loop")
    orchestrator: str = _described("Lightning", "library that keeps track of runs")
    warmup_epochs: int = _described(0, "epochs in which a Cosine learning rate climbs", unit="epochs")
    min_lr_ratio: float = _described(0.1, "share of the learning rate that a Cosine ends at")
    enable_staged_finetuning: bool = _described(False, "thaw the layers of a trained network stage by stage")
    finetune_stage1_epochs: int = _described(7, "epochs of the first stage of the thaw", unit="epochs")
    finetune_stage2_epochs: int = _described(7, "epochs of the second stage of the thaw", unit="epochs")
    finetune_stage3_epochs: int = _described(5, "epochs of the third stage of the thaw", unit="epochs")
    finetune_stage1_lr_decoder: float = _described(0.1, "factor on the decoder's rate, first stage")
    finetune_stage2_lr_encoder_top: float = _described(
        0.01, "factor on the upper encoder's rate, second stage"
    )
    finetune_stage2_lr_decoder: float = _described(0.05, "factor on the decoder's rate, second stage")
    finetune_stage2_lr_phase_head: float = _described(0.1, "factor on the phase head's rate, second stage")
    finetune_stage3_lr_encoder_bottom: float = _described(
        0.005, "factor on the lower encoder's rate, third stage"
    )
    finetune_stage3_lr_encoder_top: float = _described(
        0.01, "factor on the upper encoder's rate, third stage"
    )
    finetune_stage3_lr_decoder: float = _described(0.02, "factor on the decoder's rate, third stage")
    finetune_stage3_lr_phase_head: float = _described(0.05, "factor on the phase head's rate, third stage")
    finetune_skip_stage3: bool = _described(True, "leave the third stage of the thaw out")
    finetune_early_stop_patience: int = _described(
        3, "epochs without improvement before a stage of the thaw ends", unit="epochs"
    )
    finetune_val_split: float = _described(0.05, "share of the groups held out during the thaw")


@dataclass
class InferenceConfig:
    """How the torch network reconstructs."""

    middle_trim: int = _described(32, "border cut from each patch before it is stitched", unit="px")
    batch_size: int = _described(1000, "groups per inference step")
    experiment_number: int = _described(0, "number of the experiment in a logger")
    pad_eval: bool = _described(True, "pad the canvas so that border patches are kept whole")
    window: int = _described(20, "border left out of the scores", unit="px")
    patch_weighting: Literal["probe", "uniform"] = _described(
        "probe", "what a pixel of a patch counts in the picture: its illumination, or every pixel the same"
    )


@dataclass
class DatagenConfig:
    """How synthetic scans are made."""

    objects_per_probe: int = _described(4, "objects simulated with each probe")
    diff_per_object: int = _described(7000, "frames simulated of each object")
    object_class: str = _described("dead_leaves", "kind of object")
    image_size: tuple[int, int] = _described((250, 250), "size of the object", unit="px")
    probe_paths: list[str] = _described(help="files that the probes are taken from", factory=list)
    beamstop_diameter: int = _described(4, "diameter of the beam stop", unit="px")

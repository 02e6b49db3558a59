# ruff: noqa: RUF009  `described` is dataclasses.field with its metadata spelled out.
"""The configuration classes that both backends and every client share.

Plain dataclasses: not frozen, without a framework, picklable. Their constructors take values that a client
fixes later (`ModelConfig(N=0)`); `validate_*_config` and the factories judge them.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.device import resolve_accelerator
from ptycho.settings.field import described
from ptycho.settings.legacy import dataclass_to_legacy_dict, update_legacy_dict
from ptycho.settings.plain_files import load_toml_config, load_yaml_config
from ptycho.settings.validation import (
    check_execution,
    validate_inference_config,
    validate_model_config,
    validate_training_config,
)
from ptyconf import tracks_set_fields

__all__ = [
    "InferenceConfig",
    "ModelConfig",
    "PyTorchExecutionConfig",
    "TrainingConfig",
    "dataclass_to_legacy_dict",
    "load_toml_config",
    "load_yaml_config",
    "update_legacy_dict",
    "validate_inference_config",
    "validate_model_config",
    "validate_training_config",
]

DEFAULT_TRAINING_GROUPS = 512


@tracks_set_fields
@dataclass
class ModelConfig:
    """What the network is and which physics stands behind it."""

    N: Literal[64, 128, 256] = described(
        64, help="side of a diffraction frame and of an object patch", unit="px"
    )
    gridsize: int = described(1, help="a group is gridsize x gridsize overlapping patches")
    n_filters_scale: int = described(2, help="multiplies the number of filters of every convolution")
    model_type: Literal["pinn", "supervised"] = described(
        "pinn", help="pinn learns from the diffraction alone, supervised from labelled patches"
    )
    amp_activation: Literal["sigmoid", "swish", "softplus", "relu"] = described(
        "sigmoid", help="last activation of the amplitude decoder"
    )
    object_big: bool = described(
        True, help="merge the patches of a group in real space before the forward model", legacy="object.big"
    )
    probe_big: bool = described(
        True, help="second decoder branch that fills the outer frame of a patch", legacy="probe.big"
    )
    probe_mask: bool = described(
        False, help="hard disk of radius N/4 on the illuminated field", legacy="probe.mask"
    )
    pad_object: bool = described(
        True, help="decoder output lives in the central N/2 square and is zero padded"
    )
    probe_scale: float = described(4.0, help="divisor of the probe; acts only where it is set explicitly")
    gaussian_smoothing_sigma: float = described(
        0.0, help="width of the Gaussian that smooths the illuminated field; 0 turns it off", unit="px"
    )
    architecture: Literal["cnn", "unet"] = described(
        "cnn", help="cnn maps diffraction straight to a patch, unet refines a back-projected patch"
    )
    probe_modes: int = described(
        1,
        help="incoherent modes of the probe; the extra ones start as weak orthogonal modes of the first",
        legacy=False,
    )
    unet_stages: int = described(
        2,
        help="passes of the unet; each after the first sees where the picture contradicts the detector",
        legacy=False,
    )
    cbam_encoder: bool = described(
        False, help="block attention (CBAM) at the end of each level of the cnn's encoder", legacy=False
    )


@tracks_set_fields
@dataclass
class TrainingConfig:
    """What one training run reads, minimises and writes."""

    model: ModelConfig
    train_data_file: Path | None = described(
        None, help="scan to train on (.npz)", legacy="train_data_file_path"
    )
    test_data_file: Path | None = described(
        None, help="scan to evaluate on after training (.npz)", legacy="test_data_file_path"
    )
    batch_size: int = described(16, help="groups per optimiser step; a power of two")
    nepochs: int = described(50, help="passes over the training groups")
    mae_weight: float = described(0.0, help="weight of the amplitude MAE in the loss, 0 to 1")
    nll_weight: float = described(1.0, help="weight of the Poisson likelihood in the loss, 0 to 1")
    realspace_mae_weight: float = described(0.0, help="weight of the MAE to labelled patches")
    realspace_weight: float = described(0.0, help="weight of the real-space terms")
    nphotons: float = described(1e9, help="mean photons of one diffraction frame", unit="photons")
    n_groups: int | None = described(
        None, help="groups of patches drawn from the scan; a training config without one takes 512"
    )
    n_images: int | None = described(None, help="deprecated name of n_groups")
    n_subsample: int | None = described(
        None, help="frames kept before grouping (sorted random choice); none keeps all"
    )
    subsample_seed: int | None = described(None, help="seed of the choice of frames and of the group draw")
    neighbor_count: int = described(4, help="nearest neighbours (self excluded) that a group is drawn from")
    enable_oversampling: bool = described(False, help="allow more groups than scan points (gridsize > 1)")
    neighbor_pool_size: int | None = described(
        None, example=6, help="neighbours of the combination sampler; none means neighbor_count"
    )
    positions_provided: bool = described(
        True, help="the scan positions are measured", legacy="positions.provided"
    )
    probe_trainable: bool = described(
        False, help="learn the probe together with the network", legacy="probe.trainable"
    )
    intensity_scale_trainable: bool = described(
        True, help="learn the intensity scale together with the network", legacy="intensity_scale.trainable"
    )
    output_dir: Path = described(
        Path("training_outputs"), help="run folder of the training", legacy="output_prefix"
    )
    sequential_sampling: bool = described(
        False, help="take the first n_groups points in file order instead of a random draw"
    )
    backend: Literal["tensorflow", "pytorch"] = described("tensorflow", help="library that trains")
    torch_loss_mode: Literal["poisson", "mae"] = described(
        "poisson", help="data term of the loss: Poisson likelihood or amplitude MAE"
    )
    seed: int = described(0, help="seed of every random choice of the run", legacy=False)
    validation_fraction: float = described(
        0.05, help="share of the groups held out to judge and to stop the training", legacy=False
    )
    resume: Path | None = described(
        None, help="run folder or checkpoint that the training continues from", legacy=False
    )
    probe_warmup_epochs: int = described(
        0,
        help="sweeps of iterative probe retrieval before the network learns; 0 keeps the given probe",
        unit="sweeps",
        legacy=False,
    )
    probe_learning_rate: float | None = described(
        None, help="learning rate of a trainable probe; none takes execution.learning_rate", legacy=False
    )

    def __post_init__(self) -> None:
        """Take `n_images` for `n_groups` where only that is given, else 512 groups."""
        _adopt_n_images(self)
        if self.n_groups is None:
            self.n_groups = DEFAULT_TRAINING_GROUPS


@tracks_set_fields
@dataclass
class InferenceConfig:
    """What one reconstruction reads and writes."""

    model: ModelConfig
    model_path: Path = described(help="folder that holds wts.h5.zip, or the archive itself")
    test_data_file: Path = described(help="scan to reconstruct (.npz)", legacy="test_data_file_path")
    n_groups: int | None = described(None, help="groups of patches to reconstruct; none takes every position")
    n_images: int | None = described(None, help="deprecated name of n_groups")
    n_subsample: int | None = described(
        None, help="frames kept before grouping (sorted random choice); none keeps all"
    )
    subsample_seed: int | None = described(None, help="seed of the choice of frames and of the group draw")
    neighbor_count: int = described(4, help="nearest neighbours (self excluded) that a group is drawn from")
    enable_oversampling: bool = described(False, help="allow more groups than scan points (gridsize > 1)")
    neighbor_pool_size: int | None = described(
        None, example=6, help="neighbours of the combination sampler; none means neighbor_count"
    )
    debug: bool = described(False, help="log more of what the reconstruction decides")
    output_dir: Path = described(
        Path("inference_outputs"), help="folder of the reconstruction", legacy="output_prefix"
    )
    backend: Literal["tensorflow", "pytorch"] = described("tensorflow", help="library that reconstructs")
    refine_epochs: int = described(
        10,
        help="sweeps of iterative refinement of the picture after the network; 0 shows the network alone",
        unit="sweeps",
        legacy=False,
    )

    def __post_init__(self) -> None:
        """Take `n_images` for `n_groups` where only that is given."""
        _adopt_n_images(self)


def _adopt_n_images(config: TrainingConfig | InferenceConfig) -> None:
    if config.n_images is None or config.n_groups is not None:
        return
    warnings.warn(
        f"n_images is deprecated, use n_groups; n_images={config.n_images} is taken for n_groups",
        DeprecationWarning,
        stacklevel=outside_stack_level(),
    )
    config.n_groups = config.n_images


def _carried(default: Any, *, help: str, unit: str = "") -> Any:  # noqa: A002
    """Declare a field of how a run is carried out, which the legacy dict never sees."""
    return described(default, help=help, unit=unit, legacy=False)


@tracks_set_fields
@dataclass
class PyTorchExecutionConfig:
    """How a torch run is carried out; none of it changes what is learned, and none reaches `params.cfg`.

    Raises:
        ValueError: A value that no run could obey.
    """

    accelerator: str = _carried("auto", help="cpu, gpu, cuda, mps, or auto: the best that this machine has")
    strategy: str = _carried(
        "auto",
        help="how devices share a training: auto, ddp, mirrored, or another name that the backend knows",
    )
    deterministic: bool = _carried(True, help="same settings and seed, same weights bit for bit")
    gradient_clip_val: float | None = _carried(None, help="largest gradient; none leaves gradients alone")
    accum_steps: int = _carried(1, help="batches whose gradients are summed before one optimiser step")
    num_workers: int = _carried(0, help="processes that load batches; 0 loads in the training process")
    pin_memory: bool = _carried(False, help="page-locked host memory for faster copies to a GPU")
    persistent_workers: bool = _carried(False, help="keep the loading processes between epochs")
    prefetch_factor: int | None = _carried(None, help="batches that each loading process holds ready")
    learning_rate: float = _carried(1e-3, help="step size of Adam")
    scheduler: str = _carried("Default", help="course of the learning rate; Default keeps it constant")
    enable_progress_bar: bool = _carried(False, help="show one progress bar")
    enable_checkpointing: bool = _carried(True, help="write last.ckpt and the best checkpoints")
    checkpoint_save_top_k: int = _carried(1, help="best checkpoints to keep; 0 keeps none")
    checkpoint_monitor_metric: str = _carried("val_loss", help="metric that ranks checkpoints")
    checkpoint_mode: str = _carried("min", help="min or max: which end of the metric is better")
    early_stop_patience: int = _carried(100, help="epochs without improvement before the run stops")
    logger_backend: str | None = _carried("csv", help="csv, tensorboard, mlflow or none")
    inference_batch_size: int | None = _carried(
        None, help="groups per inference step; none takes the batch size of inference"
    )
    middle_trim: int = _carried(0, help="border cut from each patch before it is stitched", unit="px")
    pad_eval: bool = _carried(False, help="pad the canvas so that border patches are kept whole")
    devices: int | Literal["auto"] = _carried(1, help="devices to use, a count or auto")
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = _carried(
        "32-true", help="floating point of the training"
    )
    gradient_clip_algorithm: Literal["norm", "value", "agc"] = _carried(
        "norm", help="what is clipped: the norm, each value, or adaptively per unit"
    )
    threads: int | None = _carried(
        None, help="CPU threads of one tensor operation; none takes what was measured to be fastest"
    )
    warmup_epochs: int = _carried(0, help="epochs in which a Cosine learning rate climbs", unit="epochs")
    min_lr_ratio: float = _carried(0.1, help="share of the learning rate that a Cosine ends at")

    def __post_init__(self) -> None:
        """Refuse what no run can obey, then turn 'auto' into a device of this machine."""
        check_execution(self)
        if self.accelerator == "auto":
            self.accelerator = resolve_accelerator("auto")

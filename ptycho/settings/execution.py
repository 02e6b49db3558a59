"""Section `execution`: how a run is carried out, one line a setting."""

from dataclasses import dataclass
from typing import Any, Literal

from ptycho.settings.checks import Check, above_zero, among, choice, from_zero, not_negative, positive, share
from ptycho.settings.choices import (
    ACCELERATORS,
    CHECKPOINT_MODES,
    CLIP_ALGORITHMS,
    PRECISIONS,
)
from ptycho.settings.conditions import unless, where
from ptycho.settings.conversions import NO_LOGGER, STRATEGY
from ptycho.settings.device import resolve_accelerator
from ptycho.settings.field import TorchName, described
from ptycho.settings.registries import LOGGERS, SCHEDULERS
from ptycho.settings.validation import validate_execution
from ptyconf import tracks_set_fields

__all__ = ["PyTorchExecutionConfig"]

_TPU = Check(
    lambda v: v != "tpu",
    "Torch-XLA TPU execution is unsupported; accelerator must be one of {sorted}, got '{v}'",
    "one of {sorted}",
    '"auto"',
    legal=ACCELERATORS,
)
_ACCELERATOR = Check(  # lets "tpu" pass, of which the check above has spoken
    among((*ACCELERATORS, "tpu")),
    "Invalid accelerator: '{v}'. Expected one of {sorted}.",
    "one of {sorted}",
    '"auto"',
    legal=ACCELERATORS,
)
_DEVICES = Check(
    lambda v: v == "auto" or (not isinstance(v, bool) and isinstance(v, int) and v > 0),
    "devices must be a positive integer or 'auto', got {v!r}",
    "a whole number above 0, or auto",
    "1",
)
_LOGGER = Check(
    lambda v: v is None or v in LOGGERS,
    "Invalid logger_backend: '{v}'. Expected one of {sorted}.",
    "one of {sorted}",
    '"csv"',
    legal=LOGGERS,
)
_NO_COSINE = unless("execution.scheduler", "Cosine")
_ONE_PROCESS = "a reconstruction reads its frames in one process, on one device"


def _carried(default: Any, *, help: str, **more: Any) -> Any:  # noqa: A002
    """Declare a field of how a run is carried out, which the legacy dict never sees."""
    return described(default, help=help, legacy=False, **more)


@tracks_set_fields
@dataclass
class PyTorchExecutionConfig:
    """How a torch run is carried out; none of it changes what is learned, and none reaches `params.cfg`.

    Raises:
        ValueError: A value that no run could obey.
    """

    accelerator: str = _carried(
        "auto",
        help="cpu, gpu, cuda, mps, or auto: the best that this machine has",
        choices=ACCELERATORS,
        check=(_TPU, _ACCELERATOR),
        torch="TrainingConfig.device",
    )
    strategy: str = _carried(
        "auto",
        help="how devices share a training: auto, ddp, mirrored, or another name that the backend knows",
        training_only=_ONE_PROCESS,
        torch=TorchName("TrainingConfig.strategy", STRATEGY),
    )
    deterministic: bool = _carried(True, help="same settings and seed, same weights bit for bit")
    gradient_clip_val: float | None = _carried(
        None,
        help="largest gradient; none leaves gradients alone",
        check=from_zero("1.0", optional=True),
        in_constructor=False,
        torch="TrainingConfig.gradient_clip_val",
    )
    accum_steps: int = _carried(
        1,
        help="batches whose gradients are summed before one optimiser step",
        check=positive("1"),
        torch="TrainingConfig.accum_steps",
    )
    num_workers: int = _carried(
        0,
        help="processes that load batches; 0 loads in the training process",
        check=not_negative("0"),
        training_only=_ONE_PROCESS,
        torch="TrainingConfig.num_workers",
    )
    pin_memory: bool = _carried(
        False, help="page-locked host memory for faster copies to a GPU", training_only=_ONE_PROCESS
    )
    persistent_workers: bool = _carried(
        False, help="keep the loading processes between epochs", training_only=_ONE_PROCESS
    )
    prefetch_factor: int | None = _carried(
        None,
        help="batches that each loading process holds ready",
        check=positive("2", optional=True),
        in_constructor=False,
        training_only=_ONE_PROCESS,
    )
    learning_rate: float = _carried(
        1e-3, help="step size of Adam", check=above_zero("1e-3"), torch="TrainingConfig.learning_rate"
    )
    scheduler: str = _carried(
        "Default",
        help="course of the learning rate; Default keeps it constant",
        choices=SCHEDULERS,
        check=choice(SCHEDULERS, "Default"),
        in_constructor=False,
        torch="TrainingConfig.scheduler",
    )
    enable_progress_bar: bool = _carried(False, help="show one progress bar")
    enable_checkpointing: bool = _carried(True, help="write last.ckpt and the best checkpoints")
    checkpoint_save_top_k: int = _carried(
        1,
        help="best checkpoints to keep; 0 keeps none",
        check=not_negative("1"),
        without_effect=where("execution.enable_checkpointing", False),
    )
    checkpoint_monitor_metric: str = _carried("val_loss", help="metric that ranks checkpoints")
    checkpoint_mode: str = _carried(
        "min",
        help="min or max: which end of the metric is better",
        choices=CHECKPOINT_MODES,
        check=choice(CHECKPOINT_MODES, "min"),
    )
    early_stop_patience: int = _carried(
        100, help="epochs without improvement before the run stops", check=positive("100")
    )
    logger_backend: str | None = _carried(
        "csv",
        help="csv, tensorboard, mlflow or none",
        choices=LOGGERS,
        check=_LOGGER,
        in_constructor=False,
        conversion=NO_LOGGER,
    )
    inference_batch_size: int | None = _carried(
        None,
        help="groups per inference step; none takes the batch size of inference",
        check=positive("64", optional=True),
    )
    middle_trim: int = _carried(
        0,
        help="border cut from each patch before it is stitched",
        unit="px",
        check=not_negative("0"),
        torch="InferenceConfig.middle_trim",
    )
    pad_eval: bool = _carried(
        False,
        help="pad the canvas so that border patches are kept whole",
        torch="InferenceConfig.pad_eval",
    )
    devices: int | Literal["auto"] = _carried(
        1,
        help="devices to use, a count or auto",
        check=_DEVICES,
        training_only=_ONE_PROCESS,
        torch="TrainingConfig.n_devices",
    )
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = _carried(
        "32-true",
        help="floating point of the network's convolutions; physics stays in single precision",
        choices=PRECISIONS,
        check=choice(PRECISIONS, "32-true", "Invalid precision: {v!r}. Expected one of {sorted}."),
    )
    gradient_clip_algorithm: Literal["norm", "value", "agc"] = _carried(
        "norm",
        help="what is clipped: the norm, each value, or adaptively per unit",
        choices=CLIP_ALGORITHMS,
        check=choice(
            CLIP_ALGORITHMS, "norm", "Invalid gradient_clip_algorithm: {v!r}. Expected one of {sorted}."
        ),
        without_effect=where("execution.gradient_clip_val", None),
    )
    num_nodes: int | None = _carried(
        None,
        help="machines that share the training; none takes those on which its processes were started",
        check=positive("2", optional=True),
        training_only=_ONE_PROCESS,
    )
    threads: int | None = _carried(
        None,
        help="CPU threads of one tensor operation, or of a sweep; none lets the program choose",
        check=positive("1", optional=True),
    )
    warmup_epochs: int = _carried(
        0,
        help="epochs in which a Cosine learning rate climbs",
        unit="epochs",
        check=not_negative("5"),
        without_effect=_NO_COSINE,
        torch="TrainingConfig.warmup_epochs",
    )
    min_lr_ratio: float = _carried(
        0.1,
        help="share of the learning rate that a Cosine ends at",
        check=share("0.1"),
        without_effect=_NO_COSINE,
        torch="TrainingConfig.min_lr_ratio",
    )

    def __post_init__(self) -> None:
        """Refuse what no run can obey, then turn 'auto' into a device of this machine."""
        validate_execution(self)
        if self.accelerator == "auto":
            self.accelerator = resolve_accelerator("auto")

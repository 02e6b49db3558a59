"""What makes a value legal: one table, read by constructors, `validate_*_config` and the schema."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
AMPLITUDE_ACTIVATIONS = ("sigmoid", "swish", "softplus", "relu")
ARCHITECTURES = ("cnn", "unet")
BACKENDS = ("tensorflow", "pytorch")
LOGGERS = ("csv", "tensorboard", "mlflow", None)
LOSS_MODES = ("poisson", "mae")
MODEL_TYPES = ("pinn", "supervised")
PATCH_SIZES = (64, 128, 256)
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")
CLIP_ALGORITHMS = ("norm", "value", "agc")
SCHEDULERS = (
    "Default",
    "Exponential",
    "ReduceLROnPlateau",
    "WarmupCosine",
    "Cosine",
    "MultiStage",
    "Adaptive",
)

POSITIVE = "a whole number above 0"
NOT_NEGATIVE = "0 or a whole number above 0"
BUNDLE_NAME = "wts.h5.zip"


@dataclass(frozen=True)
class Rule:
    """One condition on one field, with the words for a value that breaks it.

    Attributes:
        field: Name of the field.
        holds: Tells whether a value is legal.
        wrong: First line of the message; `{v}` is the value.
        expected: What is legal, in words.
        example: A legal value as TOML spells it.
        remedy: What else helps a run, where other settings do.
    """

    field: str
    holds: Callable[[Any], bool]
    wrong: str
    expected: str
    example: str
    remedy: str = ""

    def broken_by(self, value: object) -> bool:
        """Tell whether a value breaks the rule; one of a type that cannot be compared does."""
        try:
            return not self.holds(value)
        except TypeError:
            return True

    def first_line(self, value: object) -> str:
        """Say what is wrong, with the value."""
        return self.wrong.format(v=value)

    def text(self, value: object) -> str:
        """Say what is wrong, what is expected and what to try."""
        return (
            f"{self.first_line(value)}\n  expected  {self.expected}\n"
            f"  try       {self.field} = {self.example}"
        )


def _among(*legal: object) -> Callable[[Any], bool]:
    return lambda v: any(v == one and type(v) is type(one) for one in legal)


def _whole(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _positive(field: str, example: str, *, optional: bool = False) -> Rule:
    """Make the rule of a count."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or (_whole(value) and value > 0)

    return Rule(field, holds, f"{field} must be positive, got {{v}}", POSITIVE, example)


def _not_negative(field: str, example: str, *, optional: bool = False) -> Rule:
    """Make the rule of a count, or a seed, that may be 0."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or (_whole(value) and value >= 0)

    return Rule(field, holds, f"{field} must be non-negative, got {{v}}", NOT_NEGATIVE, example)


def _above_zero(field: str, example: str, *, optional: bool = False) -> Rule:
    """Make the rule of a finite quantity above 0."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or 0 < value < inf

    return Rule(field, holds, f"{field} must be positive, got {{v}}", "a number above 0", example)


def _from_zero(field: str, example: str, *, optional: bool = False) -> Rule:
    """Make the rule of a finite quantity that may be 0."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or 0 <= value < inf

    return Rule(field, holds, f"{field} must be non-negative, got {{v}}", "0 or a number above 0", example)


def _names(legal: Iterable[object]) -> str:
    return str(sorted(str(one) for one in legal))


def _choice(field: str, legal: tuple[str, ...], wrong: str, example: str) -> Rule:
    names = _names(legal)
    return Rule(field, _among(*legal), wrong.replace("{sorted}", names), f"one of {names}", f'"{example}"')


MODEL_RULES = (
    Rule(
        "N",
        _among(*PATCH_SIZES),
        "Unsupported input size: {v}",
        "64, 128 or 256",
        "64",
        remedy="data.crop_px = 64 where the frames are larger",
    ),
    _positive("gridsize", "1"),
    _positive("n_filters_scale", "2"),
    _choice("model_type", MODEL_TYPES, "Invalid model_type '{v}'. Expected one of {sorted}.", "pinn"),
    _choice("amp_activation", AMPLITUDE_ACTIVATIONS, "Unknown activation: {v}", "sigmoid"),
    _above_zero("probe_scale", "4.0"),
    _from_zero("gaussian_smoothing_sigma", "0.0"),
    _choice("architecture", ARCHITECTURES, "Invalid architecture '{v}'. Expected one of {sorted}.", "cnn"),
    _positive("probe_modes", "1"),
    _positive("unet_stages", "2"),
)

TRAINING_RULES = (
    Rule(
        "batch_size",
        lambda v: _whole(v) and v > 0 and v & (v - 1) == 0,
        "batch_size must be positive power of 2, got {v}",
        "1, 2, 4, 8, 16, ...",
        "16",
    ),
    _positive("nepochs", "50"),
    Rule("mae_weight", lambda v: 0 <= v <= 1, "mae_weight must be in [0,1], got {v}", "0 to 1", "0.0"),
    Rule("nll_weight", lambda v: 0 <= v <= 1, "nll_weight must be in [0,1], got {v}", "0 to 1", "1.0"),
    _from_zero("realspace_mae_weight", "0.0"),
    _from_zero("realspace_weight", "0.0"),
    _above_zero("nphotons", "1e9"),
    _positive("n_groups", "512", optional=True),
    _positive("neighbor_count", "4"),
    _positive("n_subsample", "512", optional=True),
    _not_negative("subsample_seed", "0", optional=True),
    _positive("neighbor_pool_size", "6", optional=True),
    _choice(
        "backend",
        BACKENDS,
        "Invalid backend: {v!r}. TrainingConfig.backend must be 'tensorflow' or 'pytorch'.",
        "pytorch",
    ),
    _choice(
        "torch_loss_mode",
        LOSS_MODES,
        "Invalid torch_loss_mode='{v}'. Expected 'poisson' or 'mae'.",
        "poisson",
    ),
    Rule(
        "validation_fraction",
        lambda v: 0 <= v < 1,
        "validation_fraction must be in [0,1), got {v}",
        "0 or more, below 1",
        "0.05",
    ),
    _not_negative("seed", "0"),
    _not_negative("probe_warmup_epochs", "0"),
    _above_zero("probe_learning_rate", "1e-3", optional=True),
)

INFERENCE_RULES = (
    _not_negative("refine_epochs", "10"),
    _positive("n_groups", "512", optional=True),
    _positive("neighbor_count", "4"),
    _positive("n_subsample", "512", optional=True),
    _not_negative("subsample_seed", "0", optional=True),
    _positive("neighbor_pool_size", "6", optional=True),
    _choice(
        "backend",
        BACKENDS,
        "Invalid backend: {v!r}. InferenceConfig.backend must be 'tensorflow' or 'pytorch'.",
        "pytorch",
    ),
)

_TPU = Rule(
    "accelerator",
    lambda v: v != "tpu",
    f"Torch-XLA TPU execution is unsupported; accelerator must be one of {_names(ACCELERATORS)}, got '{{v}}'",
    f"one of {_names(ACCELERATORS)}",
    '"auto"',
)
EXECUTION_RULES = (
    _TPU,
    Rule(
        "accelerator",
        _among(*ACCELERATORS, "tpu"),
        f"Invalid accelerator: '{{v}}'. Expected one of {_names(ACCELERATORS)}.",
        f"one of {_names(ACCELERATORS)}",
        '"auto"',
    ),
    _positive("accum_steps", "1"),
    _not_negative("num_workers", "0"),
    _above_zero("learning_rate", "1e-3"),
    _not_negative("checkpoint_save_top_k", "1"),
    _choice(
        "checkpoint_mode", ("max", "min"), "Invalid checkpoint_mode: '{v}'. Expected one of {sorted}.", "min"
    ),
    _positive("early_stop_patience", "100"),
    _positive("inference_batch_size", "64", optional=True),
    _not_negative("middle_trim", "0"),
    Rule(
        "devices",
        lambda v: v == "auto" or (not isinstance(v, bool) and isinstance(v, int) and v > 0),
        "devices must be a positive integer or 'auto', got {v!r}",
        "a whole number above 0, or auto",
        "1",
    ),
    _choice("precision", PRECISIONS, "Invalid precision: {v!r}. Expected one of {sorted}.", "32-true"),
    _choice(
        "gradient_clip_algorithm",
        CLIP_ALGORITHMS,
        "Invalid gradient_clip_algorithm: {v!r}. Expected one of {sorted}.",
        "norm",
    ),
    _positive("threads", "1", optional=True),
    _not_negative("warmup_epochs", "5"),
    Rule("min_lr_ratio", lambda v: 0 <= v <= 1, "min_lr_ratio must be in [0,1], got {v}", "0 to 1", "0.1"),
)
# Judged where the value is resolved: the constructor takes any of these, as the public contract does.
RESOLVED_EXECUTION_RULES = (
    _choice("scheduler", SCHEDULERS, "Invalid scheduler: '{v}'. Expected one of {sorted}.", "Default"),
    Rule(
        "logger_backend",
        _among(*LOGGERS),
        "Invalid logger_backend: '{v}'. Expected one of ['csv', 'mlflow', 'none', 'tensorboard'].",
        "one of ['csv', 'mlflow', 'none', 'tensorboard']",
        '"csv"',
    ),
    _from_zero("gradient_clip_val", "1.0", optional=True),
    _positive("prefetch_factor", "2", optional=True),
)
# Fields of torch-side classes, which no `validate_*_config` sees.
TORCH_MODEL_RULES = (_above_zero("intensity_scale", "1e4"),)
TORCH_INFERENCE_RULES = (_positive("batch_size", "1000"),)
DATA_RULES = tuple(
    _above_zero(field, example, optional=True)
    for field, example in (("pixel_size_m", "75e-6"), ("wavelength_m", "1.5e-10"), ("distance_m", "2.0"))
)

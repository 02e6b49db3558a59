"""What makes a value legal: one table, read by constructors, `validate_*_config` and the schema."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
SCHEDULERS = ("Default", "Exponential", "ReduceLROnPlateau", "WarmupCosine", "MultiStage", "Adaptive")

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
    """

    field: str
    holds: Callable[[Any], bool]
    wrong: str
    expected: str
    example: str

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


def _names(legal: Iterable[object]) -> str:
    return str(sorted(str(one) for one in legal))


def _choice(field: str, legal: tuple[str, ...], wrong: str, example: str) -> Rule:
    names = _names(legal)
    return Rule(field, _among(*legal), wrong.replace("{sorted}", names), f"one of {names}", f'"{example}"')


MODEL_RULES = (
    Rule("N", _among(*PATCH_SIZES), "Unsupported input size: {v}", "64, 128 or 256", "64"),
    Rule("gridsize", lambda v: v > 0, "gridsize must be positive, got {v}", POSITIVE, "1"),
    Rule(
        "n_filters_scale",
        lambda v: v > 0,
        "n_filters_scale must be positive, got {v}",
        POSITIVE,
        "2",
    ),
    _choice("model_type", MODEL_TYPES, "Invalid model_type '{v}'. Expected one of {sorted}.", "pinn"),
    _choice("amp_activation", AMPLITUDE_ACTIVATIONS, "Unknown activation: {v}", "sigmoid"),
    Rule("probe_scale", lambda v: v > 0, "probe_scale must be positive, got {v}", "a number above 0", "4.0"),
    Rule(
        "gaussian_smoothing_sigma",
        lambda v: v >= 0,
        "gaussian_smoothing_sigma must be non-negative, got {v}",
        "0 or a number above 0",
        "0.0",
    ),
    _choice("architecture", ARCHITECTURES, "Invalid architecture '{v}'. Expected one of {sorted}.", "cnn"),
    Rule("probe_modes", lambda v: v > 0, "probe_modes must be positive, got {v}", POSITIVE, "1"),
    Rule("unet_stages", lambda v: v > 0, "unet_stages must be positive, got {v}", POSITIVE, "2"),
)

TRAINING_RULES = (
    Rule(
        "batch_size",
        lambda v: v > 0 and v & (v - 1) == 0,
        "batch_size must be positive power of 2, got {v}",
        "1, 2, 4, 8, 16, ...",
        "16",
    ),
    Rule("nepochs", lambda v: v > 0, "nepochs must be positive, got {v}", POSITIVE, "50"),
    Rule("mae_weight", lambda v: 0 <= v <= 1, "mae_weight must be in [0,1], got {v}", "0 to 1", "0.0"),
    Rule("nll_weight", lambda v: 0 <= v <= 1, "nll_weight must be in [0,1], got {v}", "0 to 1", "1.0"),
    Rule(
        "realspace_mae_weight",
        lambda v: v >= 0,
        "realspace_mae_weight must be non-negative, got {v}",
        "0 or a number above 0",
        "0.0",
    ),
    Rule("nphotons", lambda v: v > 0, "nphotons must be positive, got {v}", "a number above 0", "1e9"),
    Rule(
        "n_groups",
        lambda v: v is None or v > 0,
        "n_groups must be positive, got {v}",
        POSITIVE,
        "512",
    ),
    Rule(
        "neighbor_count",
        lambda v: v > 0,
        "neighbor_count must be positive, got {v}",
        POSITIVE,
        "4",
    ),
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
    Rule(
        "probe_warmup_epochs",
        lambda v: v >= 0,
        "probe_warmup_epochs must be non-negative, got {v}",
        NOT_NEGATIVE,
        "0",
    ),
    Rule(
        "probe_learning_rate",
        lambda v: v is None or v > 0,
        "probe_learning_rate must be positive, got {v}",
        "a number above 0",
        "1e-3",
    ),
)

INFERENCE_RULES = (
    Rule(
        "refine_epochs",
        lambda v: v >= 0,
        "refine_epochs must be non-negative, got {v}",
        NOT_NEGATIVE,
        "10",
    ),
    Rule(
        "n_groups",
        lambda v: v is None or v > 0,
        "n_groups must be positive, got {v}",
        POSITIVE,
        "512",
    ),
    Rule(
        "neighbor_count",
        lambda v: v > 0,
        "neighbor_count must be positive, got {v}",
        POSITIVE,
        "4",
    ),
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
    Rule("accum_steps", lambda v: v > 0, "accum_steps must be positive, got {v}", POSITIVE, "1"),
    Rule(
        "num_workers",
        lambda v: v >= 0,
        "num_workers must be non-negative, got {v}",
        NOT_NEGATIVE,
        "0",
    ),
    Rule(
        "learning_rate",
        lambda v: v > 0,
        "learning_rate must be positive, got {v}",
        "a number above 0",
        "1e-3",
    ),
    Rule(
        "checkpoint_save_top_k",
        lambda v: v >= 0,
        "checkpoint_save_top_k must be non-negative, got {v}",
        NOT_NEGATIVE,
        "1",
    ),
    _choice(
        "checkpoint_mode", ("max", "min"), "Invalid checkpoint_mode: '{v}'. Expected one of {sorted}.", "min"
    ),
    Rule(
        "early_stop_patience",
        lambda v: v > 0,
        "early_stop_patience must be positive, got {v}",
        POSITIVE,
        "100",
    ),
    Rule(
        "inference_batch_size",
        lambda v: v is None or v > 0,
        "inference_batch_size must be positive, got {v}",
        POSITIVE,
        "64",
    ),
    Rule(
        "middle_trim",
        lambda v: v >= 0,
        "middle_trim must be non-negative, got {v}",
        NOT_NEGATIVE,
        "0",
    ),
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
    Rule(
        "threads",
        lambda v: v is None or v > 0,
        "threads must be positive, got {v}",
        POSITIVE,
        "1",
    ),
)
# Judged where the value is resolved: the constructor takes any name, as the public contract does.
RESOLVED_RULES = (
    _choice("scheduler", SCHEDULERS, "Invalid scheduler: '{v}'. Expected one of {sorted}.", "Default"),
    Rule(
        "logger_backend",
        _among(*LOGGERS),
        "Invalid logger_backend: '{v}'. Expected one of ['csv', 'mlflow', 'none', 'tensorboard'].",
        "one of ['csv', 'mlflow', 'none', 'tensorboard']",
        '"csv"',
    ),
)

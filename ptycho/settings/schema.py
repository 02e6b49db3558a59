"""The program's schema: every setting, once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ptycho.settings import checks as rules
from ptycho.settings import views
from ptycho.settings.unsupported import UNBUILT, refusal
from ptyconf import Complaint, Conversion, Derivation, Policy, Resolution, Rule, Schema, Setting

_ONE_HOME = (
    "one setting for both sides: its default is PyTorchExecutionConfig's, "
    "the other torch-side classes repeat it with a value of their own"
)
_SECTIONS = ("model", "training", "inference", "execution", "data")

_NONE = Conversion("none -> no logger", lambda name: None if name == "none" else name, lambda name: name)
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "model.N": rules.PATCH_SIZES,
    "model.model_type": rules.MODEL_TYPES,
    "model.amp_activation": rules.AMPLITUDE_ACTIVATIONS,
    "model.architecture": rules.ARCHITECTURES,
    "training.backend": rules.BACKENDS,
    "training.torch_loss_mode": rules.LOSS_MODES,
    "inference.backend": rules.BACKENDS,
    "execution.accelerator": rules.ACCELERATORS,
    "execution.scheduler": rules.SCHEDULERS,
    "execution.checkpoint_mode": ("min", "max"),
    "execution.logger_backend": rules.LOGGERS,
    "execution.precision": rules.PRECISIONS,
    "execution.gradient_clip_algorithm": rules.CLIP_ALGORITHMS,
}
_SPELLINGS: Mapping[str, Conversion] = {
    "model.model_type": views.MODE,
    "model.amp_activation": views.ACTIVATION,
    "model.probe_mask": views.MASK,
    "execution.logger_backend": _NONE,
}
_ALIASES = {"training.nepochs": ("training.max_epochs",)}
# Their defaults only stand for "not set": the probe is divided, the dose set, where somebody says so.
_INERT_DEFAULTS = {"model.probe_scale", "model.intensity_scale"}
_DEPRECATED = {
    "training.n_groups": ("training.n_images",),
    "inference.n_groups": ("inference.n_images",),
}
_RULES = {
    "model": (*rules.MODEL_RULES, *rules.TORCH_MODEL_RULES),
    "training": rules.TRAINING_RULES,
    "inference": (*rules.INFERENCE_RULES, *rules.TORCH_INFERENCE_RULES),
    "execution": (*rules.EXECUTION_RULES, *rules.RESOLVED_EXECUTION_RULES),
    "data": rules.DATA_RULES,
}


def _judge(applied: tuple[rules.Rule, ...]) -> Callable[[Any], Complaint | None]:
    def check(value: Any) -> Complaint | None:
        for rule in applied:
            if rule.broken_by(value):
                hint = ", or ".join(filter(None, (f"{rule.field} = {rule.example}", rule.remedy)))
                return Complaint(rule.first_line(value), expected=rule.expected, hint=hint)
        return None

    return check


def _defaults() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for view in views.ALL:
        for attribute in view.own:
            found.setdefault(attribute.bind.path, attribute.default)
    return found


def _settings() -> Iterator[Setting]:
    """Say what the classes cannot: checks with the words of the contract, spellings, aliases.

    A setting with choices of its own is typed as plain text or number here, so that a wrong value meets the
    check, whose words the contract fixes, before it meets the type.
    """
    checks: dict[str, Callable[[Any], Complaint | None]] = {}
    for section, table in _RULES.items():
        for field in dict.fromkeys(rule.field for rule in table):
            checks[f"{section}.{field}"] = _judge(tuple(rule for rule in table if rule.field == field))
    defaults = _defaults()
    checks |= {path: refusal(path, defaults[path]) for path in UNBUILT}
    for path in {**checks, **_SPELLINGS, **_ALIASES, **_DEPRECATED}:
        more: dict[str, Any] = {}
        choices = _CHOICES.get(path, ())
        if choices:
            optional = None in choices
            kind = type(choices[0])
            more["type"] = kind | None if optional else kind
        yield Setting(
            path,
            check=checks.get(path),
            choices=choices,
            conversion=_SPELLINGS.get(path),
            aliases=_ALIASES.get(path, ()),
            deprecated=_DEPRECATED.get(path, ()),
            inert_default=path in _INERT_DEFAULTS,
            **more,
        )


def _channels(gridsize: int) -> int:
    """Count the patches of a group."""
    return gridsize * gridsize


def _derivations() -> Iterator[Derivation]:
    for path in ("data.C", "model.C_model", "model.C_forward"):
        yield Derivation(path, ("model.gridsize",), _channels, name="gridsize squared")


def _policies() -> Iterable[Policy]:
    for label in ("TrainingConfig", "InferenceConfig"):
        yield Policy("execution.*", "torch-defaults", _ONE_HOME, label=label)
    yield Policy(
        "training.nphotons",
        "torch-defaults",
        "the torch default 1e5 is passed over; the canonical default is TensorFlow's 1e9",
    )
    yield Policy(
        "inference.subsample_seed",
        "torch-config",
        "the seed of a training draw is not that of an inference draw",
    )


def _realspace(resolution: Resolution) -> Complaint | None:
    weight = resolution.value("training.realspace_mae_weight")
    if weight > 0 and not resolution.value("training.realspace_weight") > 0:
        return Complaint(
            f"realspace_mae_weight = {weight!r} needs realspace_weight > 0",
            expected="training.realspace_weight above 0",
            hint="realspace_weight = 1.0",
        )
    return None


def _pool(section: str) -> Rule:
    def check(resolution: Resolution) -> Complaint | None:
        pool = resolution.value(f"{section}.neighbor_pool_size")
        channels = _channels(resolution.value("model.gridsize"))
        if pool is None or pool >= channels:
            return None
        return Complaint(
            f"neighbor_pool_size = {pool} must be >= gridsize squared = {channels}",
            expected=f"{channels} or more",
            hint=f"neighbor_pool_size = {channels}",
        )

    return Rule((f"{section}.neighbor_pool_size", "model.gridsize"), check, name="pool holds a group")


def _amplitude_channels(resolution: Resolution) -> Complaint | None:
    written = resolution.value("model.decoder_last_amp_channels")
    channels = _channels(resolution.value("model.gridsize"))
    if written in (1, channels):
        return None
    return Complaint(
        f"decoder_last_amp_channels = {written}, and a group has {channels} patches",
        expected=f"{channels}, gridsize squared: an amplitude for each patch of a group",
        hint="leave model.decoder_last_amp_channels out",
    )


schema = Schema(
    "ptycho",
    views.ALL,
    _settings(),
    derivations=_derivations(),
    policies=_policies(),
    rules=(
        Rule(
            ("training.realspace_mae_weight", "training.realspace_weight"),
            _realspace,
            name="real-space weights",
        ),
        _pool("training"),
        _pool("inference"),
        Rule(
            ("model.decoder_last_amp_channels", "model.gridsize"),
            _amplitude_channels,
            name="an amplitude for each patch",
        ),
    ),
    sections=_SECTIONS,
)

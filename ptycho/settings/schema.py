"""The program's schema: every setting once, read off the lines of the classes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from ptycho.settings import views
from ptycho.settings.checks import Check
from ptycho.settings.sections import SECTIONS
from ptyconf import Complaint, Derivation, Policy, Resolution, Rule, Schema, Setting
from ptyconf.registry import Registry
from ptyconf.schema.view import Attribute

_ONE_HOME = (
    "one setting for both sides: its default is PyTorchExecutionConfig's, "
    "the other torch-side classes repeat it with a value of their own"
)


def _homes() -> dict[str, Attribute]:
    """Find the line of each setting: the first field that holds it in its own spelling."""
    homes: dict[str, Attribute] = {}
    for view in views.ALL:
        for attribute in view.own:
            if attribute.bind.conversion is None:
                homes.setdefault(attribute.bind.path, attribute)
    return homes


_HOMES = _homes()


def _check(name: str, checks: tuple[Check, ...]) -> Callable[[Any], Complaint | None]:
    def check(value: Any) -> Complaint | None:
        for one in checks:
            if complaint := one.complaint(name, value):
                hint = ", or ".join(filter(None, (complaint.hint, one.remedy)))
                return complaint._replace(hint=hint)
        return None

    return check


def _refusal(path: str, default: object, feature: str) -> Callable[[Any], Complaint | None]:
    """Let only the default of a setting pass whose feature is not there."""

    def check(value: Any) -> Complaint | None:
        if value == default:
            return None
        return Complaint(
            f"'{path}' is {value!r}, which asks for what is not built here: {feature}",
            expected=f"its default, {default!r}",
            hint=f"leave {path} out",
        )

    return check


def _settings() -> Iterator[Setting]:
    """Say what the engine does not read off a line by itself.

    A setting with choices of its own is typed as plain text or number here, so that a wrong value meets the
    check, whose words the contract fixes, before it meets the type.
    """
    for path, line in _HOMES.items():
        more: dict[str, Any] = {}
        if "checks" in line.metadata:
            more["check"] = _check(path.rpartition(".")[2], line.metadata["checks"])
        if "unsupported" in line.metadata and "without_effect" not in line.metadata:
            more["check"] = _refusal(path, line.default, line.metadata["unsupported"])
        if "choices" in line.metadata:
            more["type"] = _kind_of(line)
        yield Setting(path, inert_default=line.metadata.get("only_if_written", False), **more)


def _kind_of(line: Attribute) -> Any:
    """Give the type of what can be chosen; a registry holds text, and is not asked for all its names."""
    choices = line.metadata["choices"]
    kind = str if isinstance(choices, Registry) else type(next(iter(choices)))
    return kind | None if type(None) in get_args(line.type) else kind


def _derivations() -> Iterator[Derivation]:
    for path, line in _HOMES.items():
        if derived := line.metadata.get("derived"):
            yield Derivation(path, derived.inputs, derived.function, name=derived.name)


def _rules() -> Iterator[Rule]:
    for path, line in _HOMES.items():
        if across := line.metadata.get("across"):
            paths = (path, *across.others)
            yield Rule(paths, _bound(across.check, path), name=across.name, when="written")
        if {"unsupported", "without_effect"} <= line.metadata.keys():
            check = _refused_where_it_acts(path, line)
            yield Rule((path,), check, name="a feature that is there", when="written")


def _refused_where_it_acts(path: str, line: Attribute) -> Callable[[Resolution], Complaint | None]:
    """Let any value of a setting pass whose feature is not there and would have nothing to act on."""
    refusal = _refusal(path, line.default, line.metadata["unsupported"])
    condition = line.metadata["without_effect"]

    def check(resolution: Resolution) -> Complaint | None:
        complaint = refusal(resolution.value(path))
        return None if complaint is None or condition(resolution) is not None else complaint

    return check


def _bound(
    check: Callable[[str, Resolution], Complaint | None], path: str
) -> Callable[[Resolution], Complaint | None]:
    return lambda resolution: check(path, resolution)


def _policies() -> Iterator[Policy]:
    for label in ("TrainingConfig", "InferenceConfig"):
        yield Policy("execution.*", "torch-defaults", _ONE_HOME, label=label)
    for path, line in _HOMES.items():
        for layer, reason in line.metadata.get("passed_over", {}).items():
            yield Policy(path, layer, reason)


UNSUPPORTED: Mapping[str, str] = {
    path: line.metadata["unsupported"] for path, line in _HOMES.items() if "unsupported" in line.metadata
}
"""Settings without their feature, which is named: any value but the default is refused where it would act."""
OFFERED: tuple[str, ...] = tuple(
    path
    for path, line in _HOMES.items()
    if line.metadata.get("offered", True) and "derived" not in line.metadata
)
"""Settings that help, template and JSON Schema show: the others have no feature, or follow from these."""

schema = Schema(
    "ptycho",
    views.ALL,
    _settings(),
    derivations=_derivations(),
    policies=_policies(),
    rules=_rules(),
    sections=tuple(SECTIONS),
)

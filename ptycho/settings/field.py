"""One line a setting: everything that is known of a field stands beside its name, type and default.

Schema, views, checks, command lines, template and reference are read off these lines, so that a new setting
is one line here and its use elsewhere.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, field
from typing import Any, NamedTuple

from ptycho.settings.checks import Check
from ptycho.settings.conditions import Condition
from ptyconf import Complaint, Conversion


class TorchName(NamedTuple):
    """The field of a torch-side class that holds the same setting in a spelling of its own.

    Args:
        field: Class and field: "ModelConfig.mode".
        conversion: From the torch spelling to the setting's, and back.
    """

    field: str
    conversion: Conversion | None = None


class Across(NamedTuple):
    """A condition that a setting has to meet together with others.

    Args:
        others: Paths of the other settings.
        check: Takes the setting's path and the values by path, says what is wrong or None.
        name: What the condition is called.
        in_class: Whether the validation of its class asks it too, where all of them are fields of that class.
    """

    others: tuple[str, ...]
    check: Callable[[str, Mapping[str, Any]], Complaint | None]
    name: str
    in_class: bool = False


class DerivedFrom(NamedTuple):
    """A setting that nobody writes, because it follows from others.

    Args:
        inputs: Paths of the settings that it follows from.
        function: Takes their values, gives the value.
        name: What the trace calls the function.
    """

    inputs: tuple[str, ...]
    function: Callable[..., Any]
    name: str


def described(  # noqa: PLR0913  One line a setting: whatever is known of it is said here.
    default: Any = MISSING,
    *,
    help: str,  # noqa: A002  The metadata key that flags, reports and documents read.
    unit: str = "",
    factory: Callable[[], Any] | None = None,
    choices: Collection[Any] = (),
    check: Check | tuple[Check, ...] = (),
    in_constructor: bool = True,
    conversion: Conversion | None = None,
    aliases: tuple[str, ...] = (),
    deprecated: tuple[str, ...] = (),
    path: str = "",
    torch: str | TorchName = "",
    legacy: str | bool = True,
    without_effect: Condition | None = None,
    training_only: str = "",
    unsupported: str = "",
    offered: bool = True,
    derived: DerivedFrom | None = None,
    across: Across | None = None,
    passed_over: Mapping[str, str] | None = None,
    only_if_written: bool = False,
    example: Any = None,
    text: str = "",
) -> Any:
    """Declare a field of a configuration class, and with it a setting.

    Args:
        default: The value when nobody sets the field; left out, the field is required.
        help: One line that says what the setting does.
        unit: Unit of the value; empty for a pure number or a name.
        factory: Makes the default of a mutable field, in place of `default`.
        choices: The legal values; a registry stays open to plugins.
        check: What makes a value legal, with the words for one that is not.
        in_constructor: Whether the class itself asks the checks, or only a run does.
        conversion: Other ways to write the value, translated before it is looked at.
        aliases: Other full keys under which it may be written.
        deprecated: The same, with a warning that names the place and the new name.
        path: Path of the setting, where it is not the section and the field's name.
        torch: The torch-side field that holds the same setting under another name, "DataConfig.K".
        legacy: Key in `ptycho.params.cfg`; True for the field's own name, False for never written there.
        without_effect: Says why the setting has nothing to act on in a run of its section, or None.
        training_only: Why a reconstruction does not look at it, where somebody sets it for one.
        unsupported: The feature that any value but the default would ask for, and that is not there: it is
            refused, but for where `without_effect` says that it would have nothing to act on.
        offered: Whether help, template and JSON Schema show it; what is unsupported is never shown.
        derived: How it follows from other settings, where nobody writes it.
        across: What it has to meet together with other settings.
        passed_over: By layer, why the layer's value does not count.
        only_if_written: The default stands for "not set" alone.
        example: A legal value to show, where the default is None and a check asks for a certain one.
        text: What stands between the elements of a list that is given as one text by a flag or a variable.
    """
    metadata = {"help": help, "unit": unit, "legacy": legacy}
    optional = {
        "choices": choices,
        "checks": (check,) if isinstance(check, Check) else check,
        "conversion": conversion,
        "aliases": aliases,
        "deprecated": deprecated,
        "path": path,
        "torch": TorchName(torch) if isinstance(torch, str) and torch else torch,
        "without_effect": without_effect,
        "training_only": training_only,
        "unsupported": unsupported,
        "derived": derived,
        "across": across,
        "passed_over": passed_over,
        "only_if_written": only_if_written,
        "example": example,
        "text": text,
    }
    metadata |= {key: value for key, value in optional.items() if not _blank(value)}
    metadata |= {} if in_constructor else {"in_constructor": False}
    metadata |= {} if offered and not unsupported else {"offered": False}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def _blank(value: object) -> bool:
    return value is None or value is False or value in ((), "")

"""One way to write down a field of a configuration class: default, help and unit stand beside each other."""

from collections.abc import Callable
from dataclasses import MISSING, field
from typing import Any


def described(
    default: Any = MISSING,
    *,
    help: str,  # noqa: A002  The metadata key that flags, reports and documents read.
    unit: str = "",
    legacy: str | bool = True,
    factory: Callable[[], Any] | None = None,
    example: Any = None,
) -> Any:
    """Declare a dataclass field together with what a reader wants to know about it.

    Args:
        default: The value when nobody sets the field; left out, the field is required.
        help: One line that says what the setting does.
        unit: Unit of the value; empty for a pure number or a name.
        legacy: Key in `ptycho.params.cfg`; True for the field's own name, False for never written there.
        factory: Makes the default of a mutable field, in place of `default`.
        example: A legal value to show, where the default is None and a check asks for a certain one.
    """
    metadata = {"help": help, "unit": unit, "legacy": legacy}
    if example is not None:
        metadata["example"] = example
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)

"""Kinds of fields of the torch-side classes that are settings of their own."""

from dataclasses import MISSING
from typing import Any

from ptycho.settings.conditions import always, where
from ptycho.settings.field import described

__all__ = ["label", "own", "thaw"]

_LABEL = always("it is a label, kept with the settings of the run")
_NO_THAW = where("training.enable_staged_finetuning", False)


def own(default: Any = MISSING, *, help: str, **more: Any) -> Any:  # noqa: A002
    """Declare a field that is a setting of its own, which the legacy dict never sees."""
    return described(default, help=help, legacy=False, **more)


def label(default: Any, help: str) -> Any:  # noqa: A002
    """Declare a name that nothing but people read."""
    return own(default, help=help, without_effect=_LABEL, offered=False)


def thaw(default: Any, help: str, unit: str = "") -> Any:  # noqa: A002
    """Declare a field of fine-tuning in stages, which acts with that alone."""
    return own(default, help=help, unit=unit, without_effect=_NO_THAW, offered=False)

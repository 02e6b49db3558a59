"""When a setting has nothing to act on: conditions on the other settings of a run."""

from collections.abc import Callable, Mapping
from typing import Any

from ptycho.settings.registries import ARCHITECTURES
from ptyconf.text.show import json_text

Condition = Callable[[Mapping[str, Any]], str | None]
"""Gives the reason why a setting has nothing to act on, or None where it acts."""


def where(path: str, value: object) -> Condition:
    """Nothing to act on where another setting has that value."""
    shown = "not set" if value is None else json_text(value)
    return lambda settings: f"{path} is {shown}" if settings[path] == value else None


def unless(path: str, value: object) -> Condition:
    """Nothing to act on where another setting has another value."""
    return lambda settings: None if settings[path] == value else f"{path} is {json_text(settings[path])}"


def first(*conditions: Condition) -> Condition:
    """Nothing to act on where one of several conditions says so; the first gives the reason."""
    return lambda settings: next(
        (reason for condition in conditions if (reason := condition(settings))), None
    )


def unless_used(name: str) -> Condition:
    """Nothing to act on where the architecture's entry does not name the setting among those that it uses."""

    def condition(settings: Mapping[str, Any]) -> str | None:
        architecture = settings["model.architecture"]
        entry: Any = ARCHITECTURES.get(architecture)
        unused = entry is not None and name not in entry.uses
        return f"model.architecture is {json_text(architecture)}" if unused else None

    return condition


def whole_scans(settings: Mapping[str, Any]) -> str | None:
    """Nothing to act on where the architecture takes whole scans, and windows of them to learn from."""
    architecture = settings["model.architecture"]
    entry: Any = ARCHITECTURES.get(architecture)
    whole = entry is not None and entry.whole_scan
    return f"model.architecture is {json_text(architecture)}, which takes whole scans" if whole else None


def always(reason: str) -> Condition:
    """Nothing to act on in any run."""
    return lambda _: reason


def without_companions(
    path: str, companions: tuple[str, ...], what: str, instead: Mapping[str, str] | None = None
) -> Condition:
    """Nothing to act on where it is set and one of the settings that belong with it is not.

    Args:
        path: The setting.
        companions: All that belong together.
        what: What they give together.
        instead: Which setting does in place of a companion.
    """
    others = instead or {}

    def condition(settings: Mapping[str, Any]) -> str | None:
        missing = [
            companion
            for companion in companions
            if settings[companion] is None and settings.get(others.get(companion, companion)) is None
        ]
        alone = missing and path not in missing
        return f"{what} need {' and '.join(missing)} too" if alone else None

    return condition

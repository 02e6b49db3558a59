"""Settings that somebody wrote and that have nothing to act on in a run: each one is said, none refused."""

from collections.abc import Iterator, Mapping

from ptycho.settings.conditions import Condition, always
from ptycho.settings.layers import Command
from ptycho.settings.schema import schema
from ptyconf import Resolution

__all__ = ["settings_without_effect"]

_FOR_THIS_RUN = ("overrides", "flags", "execution")
_WRITTEN = (*_FOR_THIS_RUN, "environment", "profile", "file", "included")
_SECTIONS: Mapping[Command, tuple[str, ...]] = {
    "train": ("data", "model", "training", "execution"),
    "infer": ("data", "inference"),
}
"""Whose conditions count in a run: a reconstruction has model and training from the bundle."""


def settings_without_effect(command: Command, resolution: Resolution) -> list[str]:
    """Say of every setting that somebody changed, and that this run has no use for, why that is so.

    Args:
        command: "train" or "infer".
        resolution: The settings in force.

    Returns:
        One sentence for each such setting.
    """
    return [
        f"{path} has nothing to act on: {reason}"
        for path, condition, layers in _conditions(command)
        if _is_news(resolution, path, layers) and (reason := condition(resolution)) is not None
    ]


def _conditions(command: Command) -> Iterator[tuple[str, Condition, tuple[str, ...]]]:
    """Give the conditions that stand beside the settings, and the layers that can be meant for this run."""
    for path, setting in schema.settings.items():
        condition = setting.metadata.get("without_effect")
        if condition is not None and path.partition(".")[0] in _SECTIONS[command]:
            yield path, condition, _WRITTEN
    for path, setting in schema.settings.items():
        reason = setting.metadata.get("training_only")
        if command == "infer" and reason is not None:
            # A settings file serves trainings too: there these are in their place.
            yield path, always(reason), _FOR_THIS_RUN


def _is_news(resolution: Resolution, path: str, layers: tuple[str, ...]) -> bool:
    """Tell whether somebody wrote it, and not the default that holds anyway, as a dumped file does."""
    if resolution.winner_layer(path) not in layers:
        return False
    trace = resolution.trace(path)
    defaults = [
        entry.value for entry in trace.losers if entry.layer.endswith("-defaults") or entry.layer == "recipe"
    ]
    return trace.value not in defaults

"""Judge whole configurations by the checks that stand beside their fields."""

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.settings.checks import Check
from ptycho.settings.field import Across
from ptyconf import Complaint
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.settings.execution import PyTorchExecutionConfig
    from ptycho.settings.inference import InferenceConfig
    from ptycho.settings.model import ModelConfig
    from ptycho.settings.training import TrainingConfig

BUNDLE_NAME = "wts.h5.zip"


def validate_model_config(config: "ModelConfig") -> None:
    """Judge a model configuration.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    _raise([*_complaints(config)])


def validate_training_config(config: "TrainingConfig") -> None:
    """Judge a training configuration and the model in it.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    _raise([*_complaints(config.model), *_complaints(config)])


def validate_inference_config(config: "InferenceConfig") -> None:
    """Judge an inference configuration, the model in it, and whether its trained model is there.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    complaints = [*_complaints(config.model), *_complaints(config)]
    absence = missing_model(Path(config.model_path))
    _raise(complaints if absence is None else [*complaints, absence])


def validate_execution(config: "PyTorchExecutionConfig") -> None:
    """Judge an execution configuration as its constructor does.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    _raise([*_complaints(config)])


def missing_model(path: Path) -> str | None:
    """Say why no trained model is at `path`: a folder with the archive, the archive, or that less .zip."""
    archive, zipped = path / BUNDLE_NAME, path.with_name(path.name + ".zip")
    if path.is_dir():
        if archive.exists():
            return None
        return f"Model archive not found: {archive}"
    if path.exists() or zipped.exists():
        return None
    return f"model_path does not exist: {path} (also checked {zipped})"


@cache
def _checks(kind: Any) -> tuple[tuple[str, tuple[Check, ...], Across | None], ...]:
    """List what a class asks of each field, alone and beside others; not what a run alone asks."""
    asked = []
    for item in fields(kind):
        checks = item.metadata.get("checks", ()) if item.metadata.get("in_constructor", True) else ()
        across = item.metadata.get("across")
        if across is not None and not across.in_class:
            across = None
        if checks or across is not None:
            asked.append((item.name, checks, across))
    return tuple(asked)


def _complaints(config: Any) -> Iterator[str]:
    kind: Any = type(config)
    for name, checks, across in _checks(kind):
        value = getattr(config, name)
        complaints = [complaint for check in checks if (complaint := check.complaint(name, value))]
        if across is not None and not complaints:
            complaints = [complaint] if (complaint := _beside_others(config, name, across)) else []
        for complaint in complaints:
            yield error_text(complaint.text, expected=complaint.expected, hint=complaint.hint)


def _beside_others(config: object, name: str, across: Across) -> Complaint | None:
    """Ask a condition on several fields of one class, which knows them by their paths."""
    section = across.others[0].partition(".")[0]
    paths = (f"{section}.{name}", *across.others)
    return across.check(paths[0], {path: getattr(config, path.rpartition(".")[2]) for path in paths})


def _raise(complaints: list[str]) -> None:
    if complaints:
        raise ValueError("\n".join(complaints))

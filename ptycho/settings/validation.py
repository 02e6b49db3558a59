"""Judge whole configurations by the checks that stand beside their fields."""

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.settings.checks import Check
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
def _checks(kind: Any) -> tuple[tuple[str, Check], ...]:
    """List the checks that a class asks, each with its field; what a run alone is asked is left out."""
    return tuple(
        (item.name, check)
        for item in fields(kind)
        if item.metadata.get("in_constructor", True)
        for check in item.metadata.get("checks", ())
    )


def _complaints(config: object) -> Iterator[str]:
    kind: Any = type(config)
    for name, check in _checks(kind):
        if complaint := check.complaint(name, getattr(config, name)):
            yield error_text(complaint.text, expected=complaint.expected, hint=complaint.hint)


def _raise(complaints: list[str]) -> None:
    if complaints:
        raise ValueError("\n".join(complaints))

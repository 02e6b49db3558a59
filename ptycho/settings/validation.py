"""Judge whole configurations by the table of rules."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.settings.checks import (
    BUNDLE_NAME,
    EXECUTION_RULES,
    INFERENCE_RULES,
    MODEL_RULES,
    TRAINING_RULES,
    Rule,
)

if TYPE_CHECKING:
    from ptycho.settings.classes import InferenceConfig, ModelConfig, PyTorchExecutionConfig, TrainingConfig


def validate_model_config(config: "ModelConfig") -> None:
    """Judge a model configuration.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    _raise(_complaints(MODEL_RULES, config))


def validate_training_config(config: "TrainingConfig") -> None:
    """Judge a training configuration and the model in it.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    _raise([*_complaints(MODEL_RULES, config.model), *_complaints(TRAINING_RULES, config)])


def validate_inference_config(config: "InferenceConfig") -> None:
    """Judge an inference configuration, the model in it, and whether its trained model is there.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    complaints = [*_complaints(MODEL_RULES, config.model), *_complaints(INFERENCE_RULES, config)]
    absence = missing_model(Path(config.model_path))
    _raise(complaints if absence is None else [*complaints, absence])


def check_execution(config: "PyTorchExecutionConfig") -> None:
    """Judge an execution configuration as its constructor does.

    Raises:
        ValueError: Everything that is wrong with it, a block of lines each.
    """
    _raise(_complaints(EXECUTION_RULES, config))


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


def _complaints(rules: Iterable[Rule], config: object) -> list[str]:
    values = ((rule, getattr(config, rule.field)) for rule in rules)
    return [rule.text(value) for rule, value in values if rule.broken_by(value)]


def _raise(complaints: list[str]) -> None:
    if complaints:
        raise ValueError("\n".join(complaints))

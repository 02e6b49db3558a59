"""From a configuration to the keys of the legacy dict `ptycho.params.cfg`."""

from collections.abc import MutableMapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from ptycho.params import LegacyDict


def dataclass_to_legacy_dict(config: object) -> dict[str, Any]:
    """Flatten a configuration into legacy keys: nested model inlined, paths as text, None kept.

    Raises:
        TypeError: The object has no place in the legacy dict.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"expected a ModelConfig, TrainingConfig or InferenceConfig instance, got {config!r}")
    values: dict[str, Any] = {}
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            values.update(dataclass_to_legacy_dict(value))
            continue
        legacy = item.metadata.get("legacy", True)
        if legacy:
            key = legacy if isinstance(legacy, str) else item.name
            values[key] = str(value) if isinstance(value, Path) else value
    return values


def update_legacy_dict(cfg: MutableMapping[str, Any], config: object) -> None:
    """Write a configuration into the legacy dict (CONFIG-001); a field that is None leaves the old value.

    Args:
        cfg: `ptycho.params.cfg`, which is marked populated by this, or any other dict.
        config: A ModelConfig, TrainingConfig or InferenceConfig.

    Raises:
        TypeError: The object has no place in the legacy dict.
    """
    values = {key: value for key, value in dataclass_to_legacy_dict(config).items() if value is not None}
    if isinstance(cfg, LegacyDict):
        cfg.populate(values)
    else:
        cfg.update(values)

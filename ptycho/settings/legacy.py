"""From a configuration to the keys of the legacy dict `ptycho.params.cfg`."""

from collections.abc import Mapping, MutableMapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ptycho.settings import legacy_dict
from ptycho.settings.legacy_dict import LegacyDict


def dataclass_to_legacy_dict(config: object) -> dict[str, Any]:
    """Flatten a configuration into legacy keys: nested model inlined, paths as text, None kept.

    Raises:
        TypeError: The object has no place in the legacy dict.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"expected a ModelConfig, TrainingConfig or InferenceConfig instance, got {config!r}")
    keys = _legacy_keys(type(config))
    if not keys:
        raise TypeError(f"{type(config).__qualname__} has no place in the legacy dict")
    values: dict[str, Any] = {}
    for name, key in keys:
        value = getattr(config, name)
        if value.__class__ in _AS_THEY_ARE:
            values[key] = value
        elif hasattr(value, "__dataclass_fields__"):
            values.update(dataclass_to_legacy_dict(value))
        else:
            values[key] = str(value) if isinstance(value, Path) else value
    return values


_AS_THEY_ARE = frozenset({bool, int, float, str, type(None)})


@cache
def _legacy_keys(kind: Any) -> tuple[tuple[str, str], ...]:
    """List the fields of a class that reach the legacy dict, each with its key."""
    keys = ((item.name, item.metadata.get("legacy", True)) for item in fields(kind))
    return tuple((name, key if isinstance(key, str) else name) for name, key in keys if key)


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


def publish(
    config: object, *, measured: Mapping[str, Any] = MappingProxyType({}), seal: bool | None = None
) -> None:
    """Write into `params.cfg` what is in force (CONFIG-001), whether or not the dict was sealed.

    Args:
        config: A ModelConfig, TrainingConfig or InferenceConfig.
        measured: Keys that no configuration holds, such as the intensity scale of a trained network.
        seal: Whether the dict is sealed afterwards; None leaves that as it was.

    Raises:
        TypeError: The object has no place in the legacy dict.
    """
    sealed_afterwards = legacy_dict.is_sealed() if seal is None else seal
    legacy_dict.unseal()
    try:
        update_legacy_dict(legacy_dict.cfg, config)
        legacy_dict.cfg.update(measured)
    finally:
        legacy_dict.cfg.sealed = sealed_afterwards

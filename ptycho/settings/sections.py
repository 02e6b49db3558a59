"""The sections of a settings file, the class of each, and the torch-side names of their settings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, field, fields
from types import MappingProxyType
from typing import Any, TypeVar

from ptycho.settings.data import ScanOptions
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.model import ModelConfig
from ptycho.settings.training import TrainingConfig
from ptyconf import Bind, SchemaError

T = TypeVar("T")

SECTIONS: Mapping[str, Any] = {
    "model": ModelConfig,
    "training": TrainingConfig,
    "inference": InferenceConfig,
    "execution": PyTorchExecutionConfig,
    "data": ScanOptions,
}


def path_of(section: str, item: Field[Any]) -> str:
    """Give the path of the setting that a field of a section's class holds."""
    return str(item.metadata.get("path", f"{section}.{item.name}"))


def torch_names(sections: Iterable[str]) -> dict[str, Bind]:
    """Give the settings that torch-side fields share under other names, by "Class.field".

    Args:
        sections: Where to look, in order: a field that names a setting of two sections is that of the first.
    """
    names: dict[str, Bind] = {}
    for section in sections:
        for item in fields(SECTIONS[section]):
            torch = item.metadata.get("torch")
            if torch is not None:
                names.setdefault(torch.field, Bind(path_of(section, item), torch.conversion))
    return names


def shared(default: Any) -> Any:
    """Declare a torch-side field that shares a setting: its default alone is its own."""
    return field(default=default)


def shares_settings(section: str) -> Callable[[type[T]], type[T]]:
    """Give the shared fields of a torch-side class the words of the settings that they share.

    Raises:
        SchemaError: A field shares a setting that is none.
    """
    renamed = torch_names(SECTIONS)
    described = {path_of(name, item): item for name, kind in SECTIONS.items() for item in fields(kind)}

    def describe(kind: type[T]) -> type[T]:
        for name, item in list(vars(kind).items()):
            if not isinstance(item, Field) or item.metadata:
                continue
            bind = renamed.get(f"{kind.__name__}.{name}", Bind(f"{section}.{name}"))
            if bind.path not in described:
                raise SchemaError(f"{kind.__qualname__}.{name} shares {bind.path!r}, which is no setting")
            words = described[bind.path].metadata
            item.metadata = MappingProxyType({"help": words["help"], "unit": words["unit"], "legacy": False})
        return kind

    return describe

"""Metadata embedded in scan files: which settings made the data, and what was done to it since.

The metadata is one JSON text under the key `_metadata` of an NPZ file. Nothing here unpickles.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.files.strict_json import parse_foreign_table
from ptycho.settings.model import ModelConfig
from ptycho.settings.training import TrainingConfig
from ptyconf.errors import error_text

__all__ = ["METADATA_KEY", "MetadataManager", "parse_metadata", "read_metadata"]

Metadata = dict[str, Any]
MergeStrategy = Literal["first", "last", "strict"]

METADATA_KEY = "_metadata"
SCHEMA_VERSION = "1.0.0"
DEFAULT_NPHOTONS = 1e9
_PHYSICS = ("nphotons", "gridsize", "N", "probe_scale", "n_groups", "neighbor_count", "n_subsample")
_TRAINING = ("batch_size", "nepochs", "mae_weight", "nll_weight", "realspace_mae_weight", "realspace_weight")
_COMPARED = ("nphotons", "gridsize", "N")


def read_metadata(path: str | Path) -> Metadata | None:
    """Read the metadata of a scan file; None when it has none.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: The metadata is not one JSON table.
    """
    return parse_metadata(npz.read_text(path, METADATA_KEY), path)


def parse_metadata(text: str | None, path: str | Path) -> Metadata | None:
    """Parse the metadata that a scan file holds as text; None stays None.

    Raises:
        ScanError: The metadata is not one JSON table.
    """
    if text is None:
        return None
    try:
        return parse_foreign_table(text)
    except (ValueError, TypeError) as error:
        raise _not_a_table(path, text, error) from error


class MetadataManager:
    """Makes, reads, writes, compares and joins the metadata of scan files."""

    METADATA_KEY = METADATA_KEY
    SCHEMA_VERSION = SCHEMA_VERSION
    CURRENT_SCHEMA_VERSION = SCHEMA_VERSION

    @staticmethod
    def create_metadata(config: object, script_name: str, **extra: Any) -> Metadata:
        """Describe data that a script makes with a configuration.

        Args:
            config: A TrainingConfig or InferenceConfig.
            script_name: Name of the script that makes the data.
            extra: Further parameters, kept under `additional_parameters`.
        """
        values = _flatten(config)
        return {
            "schema_version": SCHEMA_VERSION,
            "creation_info": {"timestamp": _now(), "script": script_name},
            "physics_parameters": {name: values[name] for name in _PHYSICS if name in values},
            "training_parameters": {name: values[name] for name in _TRAINING if name in values},
            "data_transformations": [],
            "additional_parameters": {name: _plain(value) for name, value in extra.items()},
        }

    @staticmethod
    def save_with_metadata(path: str | Path, arrays: Mapping[str, Any], metadata: Metadata) -> Path:
        """Write arrays and their metadata into one NPZ file, whole or not at all."""
        text = json.dumps(metadata, default=_plain, ensure_ascii=False)
        return npz.write(path, {**arrays, METADATA_KEY: text})

    @staticmethod
    def load_with_metadata(path: str | Path) -> tuple[dict[str, np.ndarray[Any, Any]], Metadata | None]:
        """Read the arrays of an NPZ file and, apart from them, its metadata or None.

        Raises:
            FileNotFoundError: There is no such file.
            ScanError: The file cannot be read without running code.
        """
        with npz.NpzFile(path) as file:
            arrays = {key: file.read(key) for key in file.keys if key != METADATA_KEY}
            return arrays, parse_metadata(file.text(METADATA_KEY), path)

    @staticmethod
    def validate_parameters(metadata: Mapping[str, Any], config: object) -> list[str]:
        """Name every physics parameter in which data and configuration differ.

        Args:
            metadata: Metadata of the data.
            config: A configuration, or a mapping such as `ptycho.params.cfg`.

        Returns:
            Lines such as "nphotons mismatch: dataset=1e6, config=1e9"; empty when both agree.
        """
        stored, values = _physics(metadata), _flatten(config)
        return [
            f"{name} mismatch: dataset={stored[name]}, config={values[name]}"
            for name in _COMPARED
            if name in stored and name in values and stored[name] != values[name]
        ]

    @staticmethod
    def add_transformation_record(
        metadata: Mapping[str, Any],
        tool_name: str,
        operation: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> Metadata:
        """Give back the metadata with one more step in the history of the data; the input stays as it was."""
        record = {
            "timestamp": _now(),
            "tool": tool_name,
            "operation": operation,
            "parameters": {name: _plain(value) for name, value in (parameters or {}).items()},
        }
        return {**metadata, "data_transformations": [*_records(metadata), record]}

    @staticmethod
    def get_nphotons(metadata: Mapping[str, Any] | None, default: float = DEFAULT_NPHOTONS) -> float:
        """Read the mean photons of one frame; the default where the metadata does not say."""
        value = _physics(metadata or {}).get("nphotons")
        return default if value is None else float(value)

    @staticmethod
    def merge_metadata(
        metadata_list: Iterable[Mapping[str, Any]], strategy: MergeStrategy = "first"
    ) -> Metadata:
        """Join the metadata of data sets that become one.

        Args:
            metadata_list: At least one, in order.
            strategy: Whose parameters stand where two differ: first's, last's, or nobody's ("strict").

        Raises:
            ValueError: Nothing to join, an unknown strategy, or a difference under "strict".
        """
        parts = list(metadata_list)
        if not parts:
            raise ValueError("there is no metadata to merge")
        if strategy not in {"first", "last", "strict"}:
            raise ValueError(f"unknown merge strategy {strategy!r}\n  expected  first, last or strict")
        if strategy == "strict":
            _refuse_differences(parts)
        ranked = parts if strategy == "last" else parts[::-1]
        merged: Metadata = {"schema_version": SCHEMA_VERSION}
        for section in (
            "creation_info",
            "physics_parameters",
            "training_parameters",
            "additional_parameters",
        ):
            merged[section] = {}
            for part in ranked:
                merged[section] |= _section(part, section)
        merged["creation_info"] |= {"timestamp": _now(), "merged_from": len(parts)}
        merged["data_transformations"] = [record for part in parts for record in _records(part)]
        return merged

    @staticmethod
    def load_config_from_metadata(metadata: Mapping[str, Any]) -> TrainingConfig:
        """Make the training configuration that the metadata describes; the rest stays default."""
        values = {**_section(metadata, "training_parameters"), **_physics(metadata)}
        model = ModelConfig(**_known(ModelConfig, values))
        return TrainingConfig(model=model, **_known(TrainingConfig, values))


def _physics(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return _section(metadata, "physics_parameters")


def _section(metadata: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a table of the metadata; an empty one where a program left something else there."""
    section = metadata.get(name)
    return section if isinstance(section, Mapping) else {}


def _records(metadata: Mapping[str, Any]) -> list[Any]:
    records = metadata.get("data_transformations")
    return records if isinstance(records, list) else []


def _known(kind: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    return {name: value for name, value in values.items() if name in names and name != "model"}


def _flatten(config: object) -> dict[str, Any]:
    if isinstance(config, Mapping):
        return {str(name): _plain(value) for name, value in config.items()}
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"expected a configuration or a mapping, got {config!r}")
    values: dict[str, Any] = {}
    for item in fields(config):
        value = getattr(config, item.name)
        values.update(_flatten(value) if is_dataclass(value) else {item.name: _plain(value)})
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def _refuse_differences(parts: list[Mapping[str, Any]]) -> None:
    first = _physics(parts[0])
    for number, part in enumerate(parts[1:], start=2):
        for name, value in _physics(part).items():
            if name in first and first[name] != value:
                raise ValueError(
                    f"{name} differs: {first[name]!r} in data set 1, {value!r} in data set {number}\n"
                    "  expected  equal physics parameters under the strategy 'strict'\n"
                    "  try       strategy='first'"
                )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _not_a_table(path: str | Path, text: str, error: Exception) -> ScanError:
    return ScanError(
        error_text(
            f"'{METADATA_KEY}' in {path} is not a JSON table: {text[:60]!r}",
            details={"reason": str(error)},
            expected='a text such as {"physics_parameters": {"nphotons": 1e9}}',
        )
    )

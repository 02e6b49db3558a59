"""Read a settings file as a plain dict: TOML or YAML, with the reason and its place in the error."""

from pathlib import Path
from typing import Any

from ptyconf import ConfigError


def load_toml_config(path: str | Path) -> dict[str, Any]:
    """Read a TOML file into nested dicts, as it stands: `include` and profiles are not followed.

    Raises:
        ValueError: "Failed to load config from ..." with what is wrong and where.
        FileNotFoundError: There is no such file.
    """
    from ptyconf.sources import toml

    try:
        return toml.read(Path(path))
    except ConfigError as error:
        raise ValueError(f"Failed to load config from {path}: {error}") from error


def load_yaml_config(path: str | Path) -> dict[str, Any]:
    """Read a YAML file into nested dicts, by the safe loader.

    Raises:
        ValueError: "Failed to load config from ..." with what is wrong and where.
        FileNotFoundError: There is no such file.
    """
    import yaml

    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"Failed to load config from {path}: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ValueError(  # noqa: TRY004  One error type for every file that is no configuration.
            f"Failed to load config from {path}: expected a table of settings, got {values!r}"
        )
    return values

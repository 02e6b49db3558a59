"""Read a settings file as a plain dict: TOML or YAML, with the reason and its place in the error."""

from pathlib import Path
from typing import Any

from ptyconf import ConfigError


def load_toml_config(path: str | Path) -> dict[str, Any]:
    """Read a TOML file into nested dicts, as it stands: `include` and profiles are not followed.

    Raises:
        ValueError: "Failed to load config from ..." with what is wrong and where.
    """
    from ptyconf.sources import toml

    try:
        return toml.read(Path(path))
    except (OSError, ConfigError) as error:
        raise _failure(path, error) from error


def load_yaml_config(path: str | Path) -> dict[str, Any]:
    """Read a YAML file into nested dicts, by the safe loader; the limits are those of TOML files.

    Raises:
        ValueError: "Failed to load config from ..." with what is wrong and where.
    """
    import yaml

    from ptyconf.text.files import TextError, read_file

    try:
        values = yaml.safe_load(read_file(Path(path)))
    except TextError as error:
        raise _failure(path, f"it {error}") from error
    except RecursionError as error:
        raise _failure(path, "it is nested too deep") from error
    except (OSError, yaml.YAMLError) as error:
        raise _failure(path, error) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise _failure(path, f"it holds {values!r}; expected a table of settings")
    return values


def _failure(path: str | Path, reason: object) -> ValueError:
    return ValueError(f"Failed to load config from {path}: {reason}")

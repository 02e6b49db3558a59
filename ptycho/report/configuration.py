"""The reference of every setting, written from the schema: `python -m ptycho.report.configuration FILE`."""

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from ptycho.run.resolve import resolve_run
from ptycho.settings import torch_names as torch_side
from ptycho.settings import views
from ptycho.settings.layers import precedence
from ptycho.settings.schema import OFFERED, UNSUPPORTED, schema
from ptyconf import UNSET, Resolution, Setting

_SECTIONS = {
    "model": "The network and the physics behind it.",
    "training": "What a training reads, minimises and writes.",
    "inference": "What a reconstruction reads and writes.",
    "execution": "How a torch run is carried out. None of it reaches `params.cfg`.",
    "data": "How a scan file is read and grouped.",
}
_HEAD = """\
# Every setting

This page is written from the schema by `python -m ptycho.report.configuration docs/configuration.md`. A test
checks that it is up to date. `ptycho explain FILE [SETTING]` tells where each value of a run comes from.

A setting is written as `section.name`: as a key of a TOML file, as a flag `--section.name`, as a variable
`PTYCHO__SECTION__NAME`, or as a key of the override dict. A bare name will do where it is unambiguous. The
higher layer wins, and the lower ones are remembered:

"""
_UNSUPPORTED_HEAD = """
## Names without a feature

The public classes have these fields, and their feature is not built here. Any value but the default is
refused by name where it would change the result. Help, template and JSON Schema leave them out.
`DatagenConfig` is kept for its name alone: nothing takes it, scans are simulated by `ptycho simulate` with
flags of its own.

"""
_INERT_HEAD = """
## Names that act on nothing

The public classes have these fields, too: labels, and settings of the features above. Every value is
accepted, kept with the run, and said to have nothing to act on.

"""
_COLUMNS = (
    "setting",
    "what it does",
    "type",
    "default",
    "defaults of the classes",
    "also written",
    "legacy key",
)


def render() -> str:
    """Write the reference as Markdown."""
    resolution = resolve_run("train")
    inert = {path: schema[path].metadata["without_effect"] for path in schema.settings if _is_inert(path)}
    shown = schema.settings.keys() - UNSUPPORTED.keys() - inert.keys()
    parts = [_HEAD, *_layers(), "\n"]
    for section, introduction in _SECTIONS.items():
        parts += [f"\n## {section}\n\n{introduction}\n\n", _row(_COLUMNS), _row(["---"] * len(_COLUMNS))]
        parts += [
            _row(_cells(setting, resolution))
            for path, setting in schema.settings.items()
            if path.startswith(f"{section}.") and path in shown
        ]
    parts += [
        _UNSUPPORTED_HEAD,
        _row(("setting", "what another value would ask for", "default")),
        _row(["---"] * 3),
    ]
    parts += [
        _row((f"`{path}`", feature, _spell(schema[path].default))) for path, feature in UNSUPPORTED.items()
    ]
    parts += [_INERT_HEAD, _row(("setting", "why nothing", "default")), _row(["---"] * 3)]
    parts += [
        _row((f"`{path}`", condition(resolution), _spell(schema[path].default)))
        for path, condition in inert.items()
    ]
    return "".join(parts)


def _is_inert(path: str) -> bool:
    """Tell whether a setting is one that nothing can act on: derived ones follow from others instead."""
    return path not in OFFERED and path not in UNSUPPORTED and "derived" not in schema[path].metadata


def write(path: Path) -> None:
    """Write the reference into a file."""
    path.write_text(render(), encoding="utf-8")


def _layers() -> Iterator[str]:
    for number, name in enumerate(precedence.ranks, start=1):
        yield f"{number}. `{name}`: {_LAYERS[name]}\n"


_LAYERS = {
    "measured": "what a run finds out: the device that 'auto' became, the intensity scale of the counts",
    "overrides": "the override dict of a call",
    "flags": "flags that were really given",
    "execution": "an execution configuration, only the fields that its caller set",
    "environment": "variables `PTYCHO__SECTION__NAME`",
    "profile": "`[profile.NAME]` of a settings file, chosen by `--profile` or `PTYCHO__PROFILE`",
    "file": "settings files; a later one stands above an earlier one",
    "included": "files that a settings file includes",
    "found": "what the frames say about themselves: how the axes run",
    "data-file": "the scan: the side of its probe, the photons of its metadata",
    "bundle": "what a trained network was made with",
    "cli-defaults": "defaults of `python -m ptycho_torch.train` and `.inference`",
    "recipe": "a file of the package, chosen by `--recipe`; only under `ptycho` commands",
    "torch-defaults": "defaults of the torch-side classes",
    "tensorflow-defaults": "defaults of the TensorFlow-side classes",
}


def _cells(setting: Setting, resolution: Resolution) -> Iterator[str]:
    yield f"`{setting.path}`"
    unit = f" [{setting.unit}]" if setting.unit else ""
    yield setting.help + unit
    yield schema.index.slots[setting.path].expected + _choices(setting)
    yield _spell(resolution[setting.path]) if setting.path in resolution else "required"
    yield ", ".join(_class_defaults(setting.path)) or "-"
    yield ", ".join(f"`{key}`" for key in _other_keys(setting.path)) or "-"
    yield _legacy_key(setting.path)


def _choices(setting: Setting) -> str:
    return f": {', '.join(_spell(one) for one in setting.choices)}" if setting.choices else ""


def _class_defaults(path: str) -> Iterator[str]:
    seen = set()
    for view in views.ALL:
        side = "pt." if view.target.__module__ == torch_side.__name__ else ""
        for attribute in view.own:
            name = f"`{side}{view.target.__name__}.{attribute.name}`"
            if attribute.bind.path == path and name not in seen:
                seen.add(name)
                default = "required" if attribute.default is UNSET else _spell(attribute.default)
                yield f"{name} {default}"


def _other_keys(path: str) -> Iterator[str]:
    for key, entry in schema.index.keys.items():
        if isinstance(entry, tuple) and any(alias.path == path for alias in entry):
            old = any(alias.deprecated for alias in entry)
            yield f"{key} (deprecated)" if old else key


def _legacy_key(path: str) -> str:
    for view in (views.MODEL, views.TRAINING, views.INFERENCE):
        keys: dict[str, Any] = {item.name: item.metadata.get("legacy") for item in fields(view.target)}
        for attribute in view.own:
            legacy = keys[attribute.name]
            if attribute.bind.path == path and legacy:
                return f"`{legacy if isinstance(legacy, str) else attribute.name}`"
    return "-"


def _spell(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"`{value}`" if not isinstance(value, str) or value else '`""`'


def _row(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))

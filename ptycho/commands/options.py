"""What the commands have in common: files, profile, recipe and one flag for every setting."""

from __future__ import annotations

import argparse
import logging
import os
import re
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.commands.failure import EXIT_NOT_EXPLAINED, EXIT_WHOLE
from ptycho.run.resolve import SCAN_OF, resolve_layers, resolve_run
from ptycho.run.streams import tell
from ptycho.settings.environment import likely_slips
from ptycho.settings.layers import BARE_NAMES
from ptycho.settings.recipe import RECIPES, STANDARD, recipe_layers
from ptycho.settings.schema import OFFERED, schema
from ptyconf import ConfigError, Problem
from ptyconf.errors import error_text
from ptyconf.sources import flags
from ptyconf.sources.formats import FORMATS as SETTINGS_FORMATS
from ptyconf.text.show import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ptycho.report.results import Results
    from ptycho.settings.layers import Command as Purpose
    from ptyconf import Layer, Resolution
    from ptyconf.commands import Answer

_log = logging.getLogger(__name__)

OFTEN: Mapping[Purpose, tuple[str, ...]] = {
    "train": (
        "model.architecture",
        "model.gridsize",
        "model.probe_modes",
        "training.test_data_file",
        "training.output_dir",
        "training.backend",
        "training.nepochs",
        "training.batch_size",
        "execution.learning_rate",
        "execution.accelerator",
    ),
    "infer": (
        "inference.output_dir",
        "inference.n_groups",
        "inference.refine_epochs",
        "inference.patch_weighting",
        "inference.backend",
        "inference.batch_size",
        "data.quantity",
        "data.crop_px",
        "execution.accelerator",
        "execution.threads",
    ),
}
"""The settings that help shows at first; ``--help-all`` shows the others."""

_PROGRESS = "execution.enable_progress_bar"
_MORE_SCANS = "data.more_scans"
_LOOK_BYTES = 1024
_SETTING = re.compile(rb"""\[\[?\s*[\w"'][^,]*\]|[\w"'][\w.\-"' ]*=""")
"""How a line of settings begins: with a header, or with a key and its sign."""


def add_sources(
    parser: argparse.ArgumentParser,
    command: Purpose = "train",
    *,
    files: str | int = "+",
    metavar: str = "FILE.toml",
    about: str | None = None,
) -> None:
    """Declare files, profile, recipe and a flag for every setting; short names mean the command's own."""
    # With a default of its own, "*" is not listed among the arguments that are required.
    none: dict[str, Any] = {"default": []} if files == "*" else {}
    about = about or _about_files(metavar)
    parser.add_argument("files", nargs=files, type=Path, metavar=metavar, help=about, **none)
    parser.add_argument("--profile", metavar="NAME", help="use [profile.NAME] of the settings files")
    add_recipe(parser)
    parser.add_argument("--help-all", action=_HelpAll, help="show a flag for every setting, and leave")
    flags.add_flags(parser, schema, sections=BARE_NAMES[command], defaults={})
    _describe_flags(parser, OFTEN[command])
    parser.usage = f"%(prog)s {_positionals(parser)} [OPTIONS] [--section.name VALUE]"


def _about_files(metavar: str) -> str:
    if metavar.startswith("SCAN"):
        return "a scan, or settings files, or both; a later file wins"
    return "settings; a later file wins"


def _positionals(parser: argparse.ArgumentParser) -> str:
    places = [action for action in parser._actions if not action.option_strings]  # noqa: SLF001  No public list.
    return " ".join(str(action.metavar or action.dest) for action in places)


class _HelpAll(argparse.Action):
    """Show help with a flag for every setting that has a feature behind it, and leave."""

    def __init__(self, option_strings: list[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **more)

    def __call__(self, parser: argparse.ArgumentParser, *_arguments: Any, **_more: Any) -> None:
        """Print, and end the program with 0."""
        _describe_flags(parser, OFFERED)
        parser.print_help()
        parser.exit()


def _describe_flags(parser: argparse.ArgumentParser, shown: Iterable[str]) -> None:
    """Let help show some of the flags, each with its default; all are accepted."""
    paths = frozenset(shown)
    for action in parser._actions:  # noqa: SLF001  No public list.
        if isinstance(action, flags.TakeFlag) and action.dest in paths:
            action.describe_by(partial(_flag_help, action.dest))
        elif action.dest in schema:
            action.help = argparse.SUPPRESS


def _flag_help(path: str) -> str:
    return flags.describe(schema[path]) + _shown_default(path)


def _shown_default(path: str) -> str:
    value = defaults(STANDARD).get(path)
    return "" if value is None else f" (default {show(value)})"


@cache
def defaults(recipe: str) -> Resolution:
    """Resolve what is in force under a recipe where nobody writes anything."""
    return resolve_layers(recipe_layers(recipe))


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe that stands below everything that is written."""
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        default=STANDARD,
        help=f"packaged settings below yours: {', '.join(RECIPES)} (default {STANDARD})",
        metavar="NAME",
    )


def add_strict(parser: argparse.ArgumentParser) -> None:
    """Declare that a picture which does not explain its frames is a failure."""
    parser.add_argument(
        "--strict",
        action="store_true",
        help=f"exit with {EXIT_NOT_EXPLAINED} where the picture does not explain its frames",
    )


def exit_code_of(results: Sequence[Results], *, strict: bool) -> int:
    """Say the verdict on each scan on the terminal, and give the exit code that they mean."""
    from ptycho.reconstruction.axes_trial import MISFITS
    from ptycho.report.sections.verdict import agreement, found_by_trial

    code = EXIT_WHOLE
    for one in results:
        verdict = one.verdict
        if verdict is None:
            continue
        name = f"{one.scan_name}: " if len(results) > 1 else ""
        explained = verdict.word == "explained"
        _log.log(logging.INFO if explained else logging.WARNING, "%s%s", name, verdict)
        if verdict.advice:
            _log.warning("%s%s", name, verdict.advice)
        for words in found_by_trial(one.resolution):
            _log.warning("%sfound by trial: %s", name, words.partition(f"; {MISFITS}: ")[0])
        if one.halves is not None:
            reach = "; ".join(f"{picture} {text}" for picture, text in agreement(one.halves).items())
            _log.info("%shalf-bit (%s): %s", name, one.halves.what, reach)
        if strict and verdict.word == "not explained":
            code = EXIT_NOT_EXPLAINED
    return code


def add_purpose(parser: argparse.ArgumentParser) -> None:
    """Declare what the settings are for: short names and defaults differ."""
    parser.add_argument(
        "--for", dest="purpose", choices=tuple(BARE_NAMES), default="train", help="what the settings are for"
    )


def add_answer(parser: argparse.ArgumentParser) -> None:
    """Declare the form of an answer that goes to the terminal."""
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def answer(arguments: argparse.Namespace, text: Answer) -> int:
    """Tell what was asked for; 0, or 1 for a difference or a failed check."""
    tell(text.shown(as_json=arguments.json))
    return text.code


def resolve(
    arguments: argparse.Namespace,
    command: Purpose,
    *,
    files: Iterable[Path] | None = None,
    extra_layers: Iterable[Layer] = (),
    trained: Resolution | None = None,
    scan: Path | None = None,
    network: bool = True,
) -> Resolution:
    """Resolve the settings of a command from its files, flags, the environment and the recipe.

    The first file that is a scan stands for the flag that names the command's scan, unless the command has
    it otherwise; the others stand for `data.more_scans`.

    Raises:
        ConfigError: Everything that is wrong with the settings, together.
    """
    for name, meant in likely_slips(os.environ).items():
        _log.warning("the variable %s is not read; %s would be a setting", name, meant)
    named = list(arguments.files if files is None else files)
    scans = [path for path in named if _is_scan(path)]
    return resolve_run(
        command,
        files=[path for path in named if path not in scans],
        flags=flags.layer(arguments),
        environment=os.environ,
        extra_layers=[
            *extra_layers,
            *_scan_layers(SCAN_OF[command], scans, named=scan is not None),
            *_quiet_layers(arguments),
        ],
        profile=arguments.profile,
        trained=trained,
        recipe=arguments.recipe,
        network=network,
    )


def split_settings(words: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Tell files from the names of settings, which are bare or begin with the name of a section.

    A file that exists is a file, whatever it is called.
    """
    sections = {path.partition(".")[0] for path in schema}
    files, settings = [], []
    for word in words:
        section, dot, _ = str(word).partition(".")
        if not word.exists() and (section in sections or not dot):
            settings.append(str(word))
        else:
            files.append(word)
    return files, settings


def _quiet_layers(arguments: argparse.Namespace) -> list[Layer]:
    """Let ``--quiet`` mean the progress, too."""
    if not getattr(arguments, "quiet", False):
        return []
    return [flags.given({_PROGRESS: False}, spelling={_PROGRESS: "--quiet"}, typed=True)]


def _scan_layers(setting: str, scans: list[Path], *, named: bool) -> list[Layer]:
    first, more = ([], scans) if named else (scans[:1], scans[1:])
    given: dict[str, Any] = dict.fromkeys([setting], first[0]) if first else {}
    if more:
        given[_MORE_SCANS] = tuple(more)
    return [flags.given(given, spelling=dict.fromkeys(given, "SCAN"), typed=True)] if given else []


def _is_scan(path: Path) -> bool:
    """Tell a scan from a settings file: by its name, else by what is in it.

    A text is a scan where a format recognises it, or where no line of its beginning looks like a setting: the
    error is then that of a scan.
    """
    if any(path.suffix.lower() in known.suffixes for known in SETTINGS_FORMATS.entries()):
        # Some programs keep a scan's layout in JSON, too.
        return path.suffix.lower() == ".json" and path.is_file() and _has_a_format(path)
    if not path.exists():
        return path.suffix != ""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        first = stream.read(_LOOK_BYTES)
    return b"\0" in first or not _looks_like_settings(first) or _has_a_format(path)


def _looks_like_settings(first: bytes) -> bool:
    """Tell whether a text holds a setting, or nothing but remarks."""
    lines = [line for line in map(bytes.strip, first.splitlines()) if line and not line.startswith(b"#")]
    return not lines or any(map(_SETTING.match, lines))


def _has_a_format(path: Path) -> bool:
    from ptycho.errors import ScanError
    from ptycho.scan.scan_file import open_scan
    from ptycho.scan.scan_format import find_format

    try:
        find_format(open_scan(path))
    except ScanError:
        return False
    return True


def require_here(files: Iterable[Path]) -> None:
    """Refuse files that are not there: what they would say is unknown.

    Raises:
        FileNotFoundError: A file is missing.
    """
    for path in files:
        if not path.exists():
            raise FileNotFoundError(
                error_text(f"there is no file {path}", expected="a scan or settings", hint=_TRY_OUT)
            )


def require_scan(resolution: Resolution, path: str, complaint: str) -> None:
    """Refuse a scan file that is not there, saying who named it.

    Args:
        resolution: The settings.
        path: The setting that names the file.
        complaint: First words of the error.

    Raises:
        ConfigError: No file is named, or there is no such file.
    """
    named = resolution.get(path)
    if named is not None and Path(str(named)).is_file():
        return
    raise ConfigError(
        [
            Problem(
                f"{complaint}: {named}" if named is not None else f"{path} is required",
                path=path,
                origin=resolution.trace(path).winner.origin if path in resolution else None,
                expected="a scan file",
                hint=_HOW_TO_NAME[path] if named is None else _TRY_OUT,
            )
        ]
    )


_TRY_OUT = "ptycho simulate scan.npz, for one to try things out on"
_HOW_TO_NAME = {
    "training.train_data_file": "ptycho train scan.npz",
    "training.test_data_file": "--test_data_file scan.npz",
    "inference.test_data_file": "--scan scan.npz",
}


def require_scans_of_training(resolution: Resolution) -> None:
    """Refuse a training whose scan, or whose test scan where one is named, is not there.

    Raises:
        ConfigError: A file is missing.
    """
    require_scan(resolution, "training.train_data_file", "Training data file not found")
    if resolution["training.test_data_file"] is not None:
        require_scan(resolution, "training.test_data_file", "Test data file not found")

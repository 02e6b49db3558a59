"""Failing tests show the settings that they looked at, with winner, losers and place; green ones nothing.

On by entry point; ``--ptyconf=off|failed|full``. Secrets of resolved configs are masked in all reports.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from ptyconf.errors import ConfigError
from ptyconf.merge.same import same
from ptyconf.pytest_loads import LOADS, pytest_configure, pytest_unconfigure  # noqa: F401  Hooks.
from ptyconf.schema.fields import attribute_value
from ptyconf.text.masks import Masks

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution
    from ptyconf.schema.view import View

TITLE = "settings (ptyconf)"
SHOWN = 12
LOOKED_INTO = 200


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--ptyconf``."""
    parser.getgroup("ptyconf").addoption(
        "--ptyconf",
        choices=("off", "failed", "full"),
        default="failed",
        help="what failing tests show of resolved configs: nothing, what they touched (default), or all",
    )


@pytest.hookimpl
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> pytest.TestReport | None:
    """Make the report of what failed, with a section more and secrets masked; leave the others to pytest.

    A wrapper would be simpler, and would cost passing tests four times as much. pytest's own plugin for
    unittest comes before, and brings the exception that a TestCase has swallowed.
    """
    if call.excinfo is None:
        return None
    mode = item.config.getoption("--ptyconf")
    if mode == "off":
        return None
    report = pytest.TestReport.from_item_and_call(item, call)
    if not report.failed:
        return report
    try:
        _tell_settings(report, item, call.excinfo, full=mode == "full")
    except Exception as error:  # noqa: BLE001  Objects of the program: pytest must go on with the other tests.
        _mask(report, Masks(_secrets([*item.config.stash[LOADS]]), cut=True))
        report.sections.append((TITLE, f"cannot be told: {type(error).__name__} in {_place_of(error)}"))
    return report


def _place_of(error: BaseException) -> str:
    """Name the line that raised; the text of the error might hold a secret."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


def _tell_settings(
    report: pytest.TestReport, item: pytest.Item, failure: pytest.ExceptionInfo[BaseException], *, full: bool
) -> None:
    """Mask the secrets of a report, and add the settings that the failing code looked at."""
    frames = [entry.frame.raw for entry in failure.traceback if not _runs_tests(entry.frame.raw)]
    resolved = _resolved_values(frames, getattr(item, "funcargs", {}))
    refused = _refused(failure.value)
    holders = _by_resolution([*resolved, *(owner for owner, _ in refused)])
    resolutions = [holder.resolution for holder in holders]
    _mask(report, Masks(_secrets([*resolutions, *item.config.stash[LOADS]]), cut=True))
    text = _section(resolved, frames, refused, full=full)
    if text:
        report.sections.append((TITLE, text))


def _runs_tests(frame: FrameType) -> bool:
    """Tell whether a frame is the runner's own, or the engine's, in which no program's settings are read."""
    runners = {"_pytest", "pluggy", "unittest", "ptyconf"}
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in runners


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Show how two configs differ, setting by setting, and where each side came from."""
    if op != "==" or config.getoption("--ptyconf") == "off":
        return None
    from ptyconf.merge.provenance import provenance_of, view_of

    view = view_of(left) or view_of(right)
    if view is None or type(left) is not type(right):
        return None
    lines = [f"two {view.target.__qualname__} differ"]
    lines += _compare(view, left, right, provenance_of(left), provenance_of(right), "")
    return lines


def _compare(
    view: View[Any], left: Any, right: Any, ours: Resolution | None, theirs: Resolution | None, at: str
) -> list[str]:
    lines: list[str] = []
    for attribute in view:
        one, two = attribute_value(left, attribute.name), attribute_value(right, attribute.name)
        if attribute.nested is not None and type(one) is type(two):
            lines += _compare(attribute.nested, one, two, ours, theirs, f"{at}{attribute.name}.")
        elif not same(one, two):
            path = attribute.bind.path if attribute.nested is None else attribute.nested.section
            lines.append(f"{at}{attribute.name}  ({path})")
            lines.append(f"  left   {_side(ours, theirs, path, one)}")
            lines.append(f"  right  {_side(theirs, ours, path, two)}")
    return lines


def _side(resolution: Resolution | None, other: Resolution | None, path: str, value: Any) -> str:
    from ptyconf.text.show import show

    known = resolution or other
    secret = known is not None and path in known.schema and known.schema[path].secret
    shown = show(value, secret=secret)
    if resolution is None or path not in resolution:
        return f"{shown}  (not resolved)"
    winner = resolution.trace(path).winner
    return f"{shown}  {winner.layer}: {winner.origin}"


# What a test holds


class _Resolved:
    """A config that a test holds, with the name under which it does."""

    def __init__(self, name: str, thing: Any, view: View[Any] | None, resolution: Resolution) -> None:
        self.name = name
        self.thing = thing
        self.view = view
        self.resolution = resolution


def _refused(error: BaseException) -> list[tuple[_Resolved, str]]:
    """Find the settings that a failed load speaks of, with what the layers give all the same."""
    if not isinstance(error, ConfigError) or error.resolution is None:
        return []
    resolution = error.resolution
    owner = _Resolved("the failed load", resolution, None, resolution)
    paths = dict.fromkeys(str(getattr(problem, "path", "")) for problem in error.exceptions)
    known = [path for path in paths if path in resolution]
    return [(owner, path) for path in known or _own(owner)]


def _resolved_values(frames: list[FrameType], fixtures: Mapping[str, Any]) -> list[_Resolved]:
    """Find the resolved configs in locals and fixtures, one step inside what holds them, and below."""
    known: dict[int, _Resolved] = {}
    for scope in (*(frame.f_locals for frame in reversed(frames)), fixtures):
        for name, thing in list(scope.items())[:LOOKED_INTO]:
            waiting = [(name, thing), *_inside(name, thing)]
            for inner, candidate in waiting:
                if id(candidate) not in known and (recognised := _recognise(inner, candidate)) is not None:
                    known[id(candidate)] = recognised
                    if recognised.view is not None:
                        waiting += _inside(inner, candidate)  # the configs of its sections
    return list(known.values())


def _recognise(name: str, thing: Any) -> _Resolved | None:
    from ptyconf.merge.provenance import provenance_of, view_of
    from ptyconf.merge.resolution import Resolution

    if isinstance(thing, Resolution):
        return _Resolved(name, thing, None, thing)
    resolution = provenance_of(thing)
    return None if resolution is None else _Resolved(name, thing, view_of(thing), resolution)


def _inside(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, (list, tuple)):
        yield from ((f"{name}[{index}]", item) for index, item in enumerate(thing[:LOOKED_INTO]))
    elif isinstance(thing, dict):
        yield from ((f"{name}[{key!r}]", item) for key, item in list(thing.items())[:LOOKED_INTO])
    elif isinstance(values := getattr(thing, "__dict__", None), dict) and not isinstance(thing, type):
        yield from ((f"{name}.{key}", item) for key, item in list(values.items())[:LOOKED_INTO])


# What it touched


def _reads(frame: FrameType) -> list[ast.Attribute | ast.Subscript | ast.Call]:
    """List the expressions of a function that read from something, those of the failing line first."""
    try:
        source = textwrap.dedent("".join(inspect.getsourcelines(frame.f_code)[0]))
        tree = ast.parse(source)
    except (OSError, SyntaxError, TypeError):
        return []
    line = frame.f_lineno - frame.f_code.co_firstlineno + 1
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Subscript, ast.Call))]
    nodes.sort(key=lambda node: (not node.lineno <= line <= (node.end_lineno or node.lineno), node.lineno))
    return nodes


def _touched(frame: FrameType, resolved: list[_Resolved]) -> Iterator[tuple[_Resolved, str]]:
    """Find the settings that a function reads from the configs it holds, those of the failing line first."""
    known = {id(holder.thing): holder for holder in resolved}
    for node in _reads(frame):
        base = node.func if isinstance(node, ast.Call) else node
        owner = base.value if isinstance(base, (ast.Attribute, ast.Subscript)) else None
        if owner is None:
            continue
        thing = _evaluate(owner, frame)
        recognised = known.get(id(thing))
        path = _path_read(node, recognised) if recognised is not None else None
        if recognised is not None and path is not None and path in recognised.resolution:
            yield recognised, path


def _evaluate(node: ast.expr, frame: FrameType) -> Any:
    """Follow a dotted name through the frame, through plain attributes only: nothing is called."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        owner = _evaluate(node.value, frame)
        return getattr(owner, "__dict__", {}).get(node.attr)
    return None


def _path_read(node: ast.AST, owner: _Resolved) -> str | None:
    """Say which setting an expression reads: ``config.field``, ``resolution[path]`` or ``.value(path)``."""
    if isinstance(node, ast.Attribute) and owner.view is not None:
        return next(
            (attribute.bind.path for attribute in owner.view.own if attribute.name == node.attr), None
        )
    return _constant_key(node) if owner.view is None else None


def _constant_key(node: ast.AST) -> str | None:
    """Give the text by which an expression reads from a table: ``table[key]``, ``table.get(key)``."""
    key = node.slice if isinstance(node, ast.Subscript) else None
    if isinstance(node, ast.Call) and node.args:
        key = node.args[0]
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _section(
    resolved: list[_Resolved], frames: list[FrameType], refused: list[tuple[_Resolved, str]], *, full: bool
) -> str:
    """Tell the stories of what was refused or touched, and count the rest."""
    resolved = [*resolved, *(owner for owner, _ in refused[:1])]
    written = [line for frame in reversed(frames) for line in _written(frame)] if frames else []
    holders = _by_resolution(resolved)
    if full:
        shown = [_story(holder, path) for holder in holders for path in holder.resolution]
        return "\n".join((*shown, *dict.fromkeys(written)))
    stories: dict[tuple[int, str], str] = {}
    touched = (pair for frame in reversed(frames) for pair in _touched(frame, resolved))
    for owner, path in (*refused, *touched):
        name = owner.name if len(holders) > 1 else ""
        stories.setdefault((id(owner.resolution), path), _story(owner, path, name))
    if not stories and not written:
        for owner in resolved:
            name = owner.name if len(holders) > 1 else ""
            for path in _own(owner):
                stories.setdefault((id(owner.resolution), path), _story(owner, path, name))
    shown = [*stories.values(), *dict.fromkeys(written)][:SHOWN]
    total = sum(len(holder.resolution) for holder in holders)
    if (rest := total - min(len(stories), SHOWN)) > 0:
        names = ", ".join(dict.fromkeys(holder.name for holder in resolved))
        shown.append(f"and {rest} more settings of {names}; --ptyconf=full shows them")
    return "\n".join(shown)


def _by_resolution(resolved: list[_Resolved]) -> list[_Resolved]:
    """Give one holder for each resolution."""
    return list({id(holder.resolution): holder for holder in reversed(resolved)}.values())[::-1]


def _story(owner: _Resolved, path: str, name: str = "") -> str:
    """Tell a setting's story, with the name of its config where there are several."""
    from ptyconf.report.story import story

    first, newline, rest = story(owner.resolution, path).partition("\n")
    return f"{first}{f'  (in {name})' if name else ''}{newline}{rest}"


def _own(owner: _Resolved) -> list[str]:
    """List a config's settings that are not defaults, where it is not known what the test touched."""
    resolution = owner.resolution
    paths = (
        [attribute.bind.path for attribute in owner.view.own] if owner.view is not None else list(resolution)
    )
    return [
        path
        for path in paths
        if path in resolution and resolution.trace(path).winner.origin.kind != "defaults"
    ]


# Tables that know who wrote each key


def _written(frame: FrameType) -> Iterator[str]:
    """Say who wrote the keys that a function reads from a table with a ``writer(key)`` of its own.

    The table is a mapping, or a module with ``get``, ``cfg["N"]`` and ``params.get("N")``; its writer gives
    the place as ``file:line``, or None for a key that nobody wrote.
    """
    from ptyconf.merge.origin import shown_path
    from ptyconf.text.show import show

    for node in _reads(frame):
        base = node.func if isinstance(node, ast.Call) else node
        key = _constant_key(node)
        if key is None or not isinstance(base, (ast.Attribute, ast.Subscript)):
            continue
        if isinstance(node, ast.Call) and getattr(base, "attr", "") != "get":
            continue
        table = _evaluate(base.value, frame)
        writer = getattr(table, "writer", None) if isinstance(table, (Mapping, ModuleType)) else None
        if callable(writer):
            values = table if isinstance(table, Mapping) else getattr(table, "cfg", {})
            value_text = f" = {show(values[key])}" if key in values else ""
            file, _, line = (writer(key) or "").rpartition(":")
            place = f"{shown_path(file)}:{line}" if file else "a default that nobody wrote"
            yield f"{ast.unparse(node)}{value_text}\n  set by      {place}"


# Secrets


def _secrets(resolutions: list[Resolution]) -> Iterator[Any]:
    """Give the secret values of the configs."""
    for resolution in resolutions:
        yield from resolution.secrets()


def _mask(report: pytest.TestReport, masks: Masks) -> None:
    """Mask secrets in all that pytest says."""
    if masks:
        report.sections[:] = [(title, masks.words(text)) for title, text in report.sections]
        report.longrepr = _cleaned(report.longrepr, masks, set())


def _cleaned(thing: Any, masks: Masks, seen: set[int]) -> Any:
    """Rewrite every text inside pytest's representation of an error."""
    if isinstance(thing, str):
        return "".join(_cleaned_line(line, masks) for line in thing.splitlines(keepends=True))
    if isinstance(thing, (list, tuple)):
        return type(thing)(_cleaned(item, masks, seen) for item in thing)
    if type(thing).__module__.startswith("_pytest.") and id(thing) not in seen:
        seen.add(id(thing))
        for name, value in list(vars(thing).items()):
            object.__setattr__(thing, name, _cleaned(value, masks, seen))
    return thing


def _cleaned_line(line: str, masks: Masks) -> str:
    """Mask one line: of source code where it is indented or marked as the failing one, else of words."""
    if line.startswith((">", "    ")):
        return masks.source(line)
    mark, text = ("E", line[1:]) if line.startswith("E  ") else ("", line)
    bare = text.lstrip(" ")
    return f"{mark}{text[: len(text) - len(bare)]}{masks.words(bare)}"

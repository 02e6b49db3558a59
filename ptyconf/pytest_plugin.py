"""Failing tests show the settings that they looked at, with winner, losers and place; green ones nothing.

On by entry point; ``--ptyconf=off|failed|full``. Secrets of resolved configs are masked in all reports.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> pytest.TestReport | None:
    """Make the report of what failed, with a section more and secrets masked; leave the others to pytest.

    A wrapper would be simpler, and would cost green tests four times as much.
    """
    if call.excinfo is None:
        return None
    mode = item.config.getoption("--ptyconf")
    if mode == "off":
        return None
    report = pytest.TestReport.from_item_and_call(item, call)
    if not report.failed:
        return report
    frames = [entry.frame.raw for entry in call.excinfo.traceback]
    held = _held(frames, getattr(item, "funcargs", {}))
    if held:
        text = _section(held, frames, full=mode == "full")
        if text:
            report.sections.append((TITLE, text))
    _mask(report, _secrets(held))
    return report


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Show how two configs differ, setting by setting, and where each side came from."""
    if op != "==" or config.getoption("--ptyconf") == "off":
        return None
    from ptyconf.merge.resolution import provenance_of, view_of

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
    for each in view:
        one, two = getattr(left, each.name), getattr(right, each.name)
        if each.nested is not None:
            lines += _compare(each.nested, one, two, ours, theirs, f"{at}{each.name}.")
        elif type(one) is not type(two) or not _equal(one, two):
            path = each.bind.path
            lines.append(f"{at}{each.name}  ({path})")
            lines.append(f"  left   {_side(ours, theirs, path, one)}")
            lines.append(f"  right  {_side(theirs, ours, path, two)}")
    return lines


def _equal(one: Any, two: Any) -> bool:
    try:
        return bool(one == two)
    except (TypeError, ValueError):
        return False


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


class _Held:
    """A config that a test holds, with the name under which it does."""

    def __init__(self, name: str, thing: Any, view: View[Any] | None, resolution: Resolution) -> None:
        self.name = name
        self.thing = thing
        self.view = view
        self.resolution = resolution


def _held(frames: list[FrameType], fixtures: Mapping[str, Any]) -> list[_Held]:
    """Find the resolved configs in locals and fixtures, also one step inside containers and instances."""
    found: dict[int, _Held] = {}
    for scope in (*(frame.f_locals for frame in reversed(frames)), fixtures):
        for name, thing in list(scope.items())[:LOOKED_INTO]:
            for inner, each in ((name, thing), *_inside(name, thing)):
                if id(each) not in found and (kept := _recognise(inner, each)) is not None:
                    found[id(each)] = kept
    return list(found.values())


def _recognise(name: str, thing: Any) -> _Held | None:
    from ptyconf.merge.resolution import Resolution, provenance_of, view_of

    if isinstance(thing, Resolution):
        return _Held(name, thing, None, thing)
    resolution = provenance_of(thing)
    return None if resolution is None else _Held(name, thing, view_of(thing), resolution)


def _inside(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, (list, tuple)):
        yield from ((f"{name}[{index}]", each) for index, each in enumerate(thing[:LOOKED_INTO]))
    elif isinstance(thing, dict):
        yield from ((f"{name}[{key!r}]", each) for key, each in list(thing.items())[:LOOKED_INTO])
    elif isinstance(values := getattr(thing, "__dict__", None), dict) and not isinstance(thing, type):
        yield from ((f"{name}.{key}", each) for key, each in list(values.items())[:LOOKED_INTO])


# What it touched


def _touched(frame: FrameType, held: list[_Held]) -> Iterator[tuple[_Held, str]]:
    """Find the settings that a function reads from the configs it holds, those of the failing line first."""
    try:
        source = textwrap.dedent("".join(inspect.getsourcelines(frame.f_code)[0]))
        tree = ast.parse(source)
    except (OSError, SyntaxError, TypeError):
        return
    line = frame.f_lineno - frame.f_code.co_firstlineno + 1
    known = {id(each.thing): each for each in held}
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Subscript, ast.Call))]
    nodes.sort(key=lambda node: (not node.lineno <= line <= (node.end_lineno or node.lineno), node.lineno))
    for node in nodes:
        base = node.func if isinstance(node, ast.Call) else node
        owner = base.value if isinstance(base, (ast.Attribute, ast.Subscript)) else None
        if owner is None:
            continue
        thing = _evaluate(owner, frame)
        kept = known.get(id(thing))
        path = _path_read(node, kept) if kept is not None else None
        if kept is not None and path is not None and path in kept.resolution:
            yield kept, path


def _evaluate(node: ast.expr, frame: FrameType) -> Any:
    """Follow a dotted name through the frame, through plain attributes only: nothing is called."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        owner = _evaluate(node.value, frame)
        return getattr(owner, "__dict__", {}).get(node.attr)
    return None


def _path_read(node: ast.AST, kept: _Held) -> str | None:
    """Say which setting an expression reads: ``config.field``, ``resolution[path]`` or ``.value(path)``."""
    if isinstance(node, ast.Attribute) and kept.view is not None:
        return next((each.bind.path for each in kept.view.own if each.name == node.attr), None)
    if kept.view is None:
        key = node.slice if isinstance(node, ast.Subscript) else None
        if isinstance(node, ast.Call) and node.args:
            key = node.args[0]
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
    return None


def _section(held: list[_Held], frames: list[FrameType], *, full: bool) -> str:
    """Tell the stories of what was touched, and count the rest."""
    from ptyconf.report.story import story

    if full:
        resolutions = {id(each.resolution): each.resolution for each in held}
        return "\n".join(story(each, path) for each in resolutions.values() for path in each)
    stories: dict[tuple[int, str], str] = {}
    for frame in reversed(frames):
        for kept, path in _touched(frame, held):
            stories.setdefault((id(kept.resolution), path), story(kept.resolution, path))
    if not stories:
        for kept in held:
            for path in _own(kept):
                stories.setdefault((id(kept.resolution), path), story(kept.resolution, path))
    shown = list(stories.values())[:SHOWN]
    total = len({(id(each.resolution), path) for each in held for path in each.resolution})
    if (rest := total - len(shown)) > 0:
        names = ", ".join(dict.fromkeys(each.name for each in held))
        shown.append(f"and {rest} more settings of {names}; --ptyconf=full shows them")
    return "\n".join(shown)


def _own(kept: _Held) -> list[str]:
    """List a config's settings that are not defaults, where it is not known what the test touched."""
    resolution = kept.resolution
    paths = [each.bind.path for each in kept.view.own] if kept.view is not None else list(resolution)
    return [
        path
        for path in paths
        if path in resolution and resolution.trace(path).winner.origin.kind != "defaults"
    ]


# Secrets


def _secrets(held: list[_Held]) -> list[str]:
    """List the secret texts of the configs, and how they look in a repr."""
    found: set[str] = set()
    for each in held:
        for path, setting in each.resolution.schema.settings.items():
            if setting.secret and path in each.resolution:
                value = each.resolution.value(path)
                if value not in (None, "", True, False):
                    found |= {str(value), repr(value).strip("'\"")}
    return sorted(found, key=len, reverse=True)


def _mask(report: pytest.TestReport, secrets: list[str]) -> None:
    """Replace secrets in all that a report says."""
    if not secrets:
        return
    from ptyconf.text.show import MASK

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, MASK)
        return text

    report.sections[:] = [(clean(title), clean(text)) for title, text in report.sections]
    report.longrepr = _cleaned(report.longrepr, clean, set())


def _cleaned(thing: Any, clean: Callable[[str], str], seen: set[int]) -> Any:
    """Rewrite every text inside pytest's representation of an error."""
    if isinstance(thing, str):
        return clean(thing)
    if isinstance(thing, (list, tuple)):
        return type(thing)(_cleaned(each, clean, seen) for each in thing)
    if type(thing).__module__.startswith("_pytest.") and id(thing) not in seen:
        seen.add(id(thing))
        for name, value in list(vars(thing).items()):
            object.__setattr__(thing, name, _cleaned(value, clean, seen))
    return thing

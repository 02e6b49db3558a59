"""The error tree and its one text form: what is wrong, written in, overrides, expected, known, try."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ptyconf.merge.origin import Origin

SHOWN_PROBLEMS = 50
_HINT_ROW = "  try  "
_LABEL = re.compile(r" {2}\S+(?: \S+)* {2,}(?=\S)")


def error_text(
    what: str,
    *,
    snippet: str = "",
    written_in: object = None,
    details: Mapping[str, object] | None = None,
    overrides: Sequence[str] = (),
    expected: object = None,
    known: object = None,
    hint: object = None,
) -> str:
    """Lay out an error: what is wrong, then one aligned line for each thing that helps to mend it.

    Args:
        what: First line; says what is wrong, with the value, the key and the file.
        snippet: Lines of the source with a caret, shown below the first line.
        written_in: Place of the wrong value.
        details: Further rows by their label, such as the values that were given.
        overrides: Places and values that the wrong value hides, high to low.
        expected: What would have been right.
        known: Names that are known at that place.
        hint: What to try.

    Returns:
        The text; a row without a text is left out.
    """
    rows = [
        ("written in", written_in),
        *(details or {}).items(),
        *(("overrides", place) for place in overrides),
        ("expected", expected),
        ("known here", known),
        ("try", hint),
    ]
    shown = [(label, str(text)) for label, text in rows if text not in (None, "")]
    width = max((len(label) for label, _ in shown), default=0)
    return "\n".join([what, *snippet.splitlines(), *(f"  {label:<{width}}  {text}" for label, text in shown)])


def with_hint(text: str, hint: str) -> str:
    """Give an error text, as `error_text` lays it out, another hint in the place of its own."""
    rows = [row for row in text.splitlines() if not row.startswith(_HINT_ROW)]
    columns = [label.end() for row in rows if (label := _LABEL.match(row))]
    return "\n".join([*rows, _HINT_ROW.ljust(max(columns, default=0)) + hint])


def has_hint(text: str) -> bool:
    """Tell whether an error text says what to try."""
    return any(row.startswith(_HINT_ROW) for row in text.splitlines())


class SchemaError(TypeError):
    """A schema, view or precedence contradicts itself; a mistake of the program, never of its user."""


class Complaint(NamedTuple):
    """What a check has to say against a value: the first line, what was expected, what to try.

    A legal value as ``example`` is shown as the source of the wrong one would write it: ``--nepochs 50``.
    """

    text: str
    expected: str = ""
    hint: str = ""
    example: Any = None


class Problem(ValueError):  # noqa: N818  The public name; several make one ConfigError.
    """One thing wrong, with its place; ``count`` is more than 1 where it stands for many of a kind.

    Args:
        text: First line; says what is wrong, with the (redacted) value.
        path: Dotted path of the setting, "" when no setting is concerned.
        origin: Where the value was written.
        overrides: Places and values that the wrong value hides, high to low, as text.
        expected: What would have been right.
        known: Names that are known at that place.
        hint: What to try.
        snippet: Lines of source with a caret, shown below the first line.
    """

    def __init__(
        self,
        text: str,
        *,
        path: str = "",
        origin: Origin | None = None,
        overrides: Sequence[str] = (),
        expected: str = "",
        known: str = "",
        hint: str = "",
        snippet: str = "",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.path = path
        self.origin = origin
        self.overrides = tuple(overrides)
        self.expected = expected
        self.known = known
        self.hint = hint
        self.snippet = snippet
        self.count = 1

    @property
    def written(self) -> str:
        """Place of the value in one line, "" when it has none."""
        return self.origin.where if self.origin is not None else ""

    def __str__(self) -> str:
        return error_text(
            self.text,
            snippet=self.snippet,
            written_in=self.written,
            overrides=self.overrides,
            expected=self.expected,
            known=self.known,
            hint=self.hint,
        )

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Problem], tuple[dict[str, Any]]]:
        return _rebuild_problem, (self.__dict__,)


def _rebuild_problem(state: dict[str, Any]) -> Problem:
    """Make a problem again from what it carried when it was pickled."""
    carried = {name: state[name] for name in state if name not in {"text", "count", "__notes__"}}
    made = Problem(state["text"], **carried)
    made.count = state["count"]
    return made


class ConfigError(ExceptionGroup[Problem], ValueError):
    """Every problem of one resolve, together; ``str()`` is their full text.

    ``resolution`` is what the layers give all the same, for reports on the failure; copies and pickles of the
    error have none, for it holds secrets in the clear.
    """

    resolution: Any = None

    def __new__(cls, problems: Iterable[Problem], message: str = "") -> ConfigError:
        """Gather problems into one error, whose message is their full text unless another is given.

        Tools that match an exception group's message (pytest.raises) must find every problem's words in it.
        """
        listed = list(problems)
        return super().__new__(cls, message or _joined(listed), listed)

    def __init__(self, problems: Iterable[Problem], message: str = "") -> None:
        BaseException.__init__(self, problems, message)

    def derive(self, excs: Sequence[Any]) -> ConfigError:  # type: ignore[override]
        """Make the same kind of error of a part of the problems (split, subgroup)."""
        return ConfigError(excs)

    def __str__(self) -> str:
        return _joined(self.exceptions)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[Problem], str]]:
        return type(self), ([*self.exceptions], self.message)  # type: ignore[list-item]


def _joined(problems: Sequence[Exception]) -> str:
    texts = [str(problem) for problem in problems[:SHOWN_PROBLEMS]]
    if rest := sum(getattr(problem, "count", 1) for problem in problems[SHOWN_PROBLEMS:]):
        texts.append(f"... and {rest} more")
    return "\n\n".join(texts)

"""The error of a resolution that is asked for a path without a value."""

from __future__ import annotations

from collections.abc import Iterable

from ptyconf.errors import error_text
from ptyconf.schema.path import join_path
from ptyconf.text.show import close_matches


class UnknownPathError(KeyError):
    """There is no value at a path; the text names the nearest paths that have one.

    Args:
        path: What was asked for.
        known: The paths that have a value. They are walked when the text is asked for, so that ``get`` and
            ``in`` cost no search.
    """

    def __init__(self, path: object, known: Iterable[str]) -> None:
        self.path = join_path(path) if isinstance(path, tuple) else str(path)
        self.known = known
        super().__init__(self.path)

    def __str__(self) -> str:
        paths = list(self.known)
        sections = [path[:end] for path in paths for end, sign in enumerate(path) if sign in ".["]
        near = close_matches(self.path, [*paths, *sections])
        hint = near[0] if near else ""
        return error_text(f"there is no value at {self.path!r}", known=", ".join(near), hint=hint)

    def __reduce__(self) -> tuple[type[UnknownPathError], tuple[str, list[str]]]:
        return type(self), (self.path, list(self.known))

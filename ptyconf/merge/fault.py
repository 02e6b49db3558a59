"""What is wrong with a layer, before it is known what that overrides."""

from __future__ import annotations

from typing import Any, NamedTuple

from ptyconf.merge.origin import Origin

Keys = tuple[Any, ...]  # text, and an index in a list of what is unset


class Fault(NamedTuple):
    """One thing wrong with a layer, before it is known what it overrides.

    ``keys`` is the place as the source spells it, ``origin`` a place of its own where there are no keys; the
    snippet is shown unless a secret is named in its context. One fault may stand for several ``alike``.
    ``example`` are the keys under which the hint writes a legal value; what the layer hides is a better one.
    """

    text: str
    path: str = ""
    keys: Keys = ()
    origin: Origin | None = None
    expected: str = ""
    known: str = ""
    hint: str = ""
    snippet: str = ""
    context: str = ""
    alike: int = 1
    example: Keys = ()

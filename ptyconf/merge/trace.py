"""One setting's story: who won, who lost, what was passed over, and how a value was derived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ptyconf.merge.origin import Origin


class Entry(NamedTuple):
    """What one layer says of one setting.

    ``conversion`` names the translation of the value, ``passed`` the reason why a policy passes it over.
    """

    layer: str
    value: Any
    origin: Origin
    conversion: str = ""
    passed: str | None = None


class Derived(NamedTuple):
    """How a value was derived."""

    function: str
    inputs: Mapping[str, Any]
    reason: str = ""


class Applied(NamedTuple):
    """A policy that passed a layer over."""

    layer: str
    reason: str


class Element(NamedTuple):
    """One element of a combined value, with its contributor."""

    key: str | int
    value: Any
    layer: str
    origin: Origin


class Referred(NamedTuple):
    """What one reference in a text gave.

    Args:
        text: The reference as it was written: ``${server.host}``.
        path: Path of the setting that it names, "" for a variable or a file.
        value: What that has.
        origin: Where that was written.
        steps: What the value in its turn refers to.
    """

    text: str
    path: str
    value: Any
    origin: Origin
    steps: tuple[Referred, ...] = ()


class Trace(NamedTuple):
    """One setting's whole story; secrets are masked in it."""

    path: str
    value: Any
    winner: Entry
    losers: tuple[Entry, ...]
    derivation: Derived | None = None
    policies: tuple[Applied, ...] = ()
    elements: tuple[Element, ...] = ()
    references: tuple[Referred, ...] = ()

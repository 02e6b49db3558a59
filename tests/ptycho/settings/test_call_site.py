"""A warning names the line of the program that called, whatever lies between."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import cattrs
import pytest

from ptycho.settings.call_site import outside_stack_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def warn() -> None:
    """Warn as our rooms do."""
    warnings.warn("noticed", UserWarning, stacklevel=outside_stack_level())


@attrs.define
class Noticed:
    """A class whose generated constructor ends in code of ours."""

    value: int = attrs.field(default=0)

    def __attrs_post_init__(self) -> None:
        """Warn."""
        warn()


@contextmanager
def noticing() -> Iterator[None]:
    """Warn on the way in, below a frame of contextlib."""
    warn()
    yield


def construct() -> None:
    """Through a constructor that attrs generated."""
    Noticed()


def structure() -> None:
    """Through a function that cattrs generated, and the constructor below it."""
    cattrs.Converter().structure({"value": 3}, Noticed)


def decorate() -> None:
    """Through a context manager that stands as a decorator."""
    noticing()(dict)()


@pytest.mark.parametrize("way", [construct, structure, decorate])
def test_the_line_is_the_callers(way: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ours, nor generated, nor the standard library's in between."""
    # This module plays the part of ours: what calls it from outside is pytest.
    monkeypatch.setitem(globals(), "__name__", "ptycho.played")
    with pytest.warns(UserWarning, match="noticed") as caught:
        way()
    assert "_pytest" in caught[0].filename

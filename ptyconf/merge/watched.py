"""Who is told of every resolution that is made: reports of tests mask the secrets of those that are gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution

WATCHERS: list[Callable[[Resolution], None]] = []

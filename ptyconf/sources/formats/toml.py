"""TOML: its parser stands in ``ptyconf.text.toml``; where keys stand is found out when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ptyconf.sources.document import Format, Places
from ptyconf.text.show import dotted_key, toml_text
from ptyconf.text.toml import parse


def places(text: str) -> Places:
    """Find where every key and value of a document stands."""
    from ptyconf.sources.toml_places import places

    return places(text)


def spell(keys: Sequence[str], value: Any) -> str:
    """Write ``a.b = value``."""
    return f"{dotted_key(keys)} = {toml_text(value)}"


FORMAT = Format("toml", (".toml",), parse, places, spell)

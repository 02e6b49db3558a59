"""How one value of a layer is read, by its setting's kind and conversions."""

from __future__ import annotations

from typing import Any

from ptyconf.schema.anchor import anchored
from ptyconf.schema.index import Alias
from ptyconf.schema.tree import Slot


def read_value(
    slot: Slot, value: Any, bind: Alias | None, folder: str | None, *, text: bool
) -> tuple[Any, str]:
    """Read one value of a slot strictly, and name the conversions that it went through.

    Raises:
        Mismatch: It does not fit.
    """
    spelled = ""
    own = slot.setting.conversion
    text = text and isinstance(value, str)
    if bind is not None and bind.bind is not None and bind.bind.conversion is not None:
        value = bind.read(value, text=text)
        text = False
        spelled = str(bind.bind.conversion)
    if own is not None:
        before, value = value, own.to_setting(value)
        if value is not before:
            spelled = f"{spelled}, {own}" if spelled else str(own)
        text = text and isinstance(value, str)
    value = slot.kind.text(value) if text else slot.kind.typed(value)
    return anchored(value, slot.kind, folder), spelled


def read_later(slot: Slot, bind: Alias | None, value: Any, text: bool, folder: str | None) -> Any:
    """Read a value whose references are known now."""
    return read_value(slot, value, bind, folder, text=text)[0]

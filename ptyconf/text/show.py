"""How values and near misses are written in messages and reports."""

from __future__ import annotations

import datetime
import enum
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

MASK = "********"
SHORT = 4  # a shorter one is a part of ordinary words, and a word of its own, too often
LONGEST_VALUE = 120
SHOWN_PARTS = 50  # of a wrong value, which is cut to that length
LARGEST_BITS = 14_000
"""Python writes no integers of more than 4,300 decimal digits, but has no such limit for hexadecimal ones."""


def toml_text(value: object) -> str:
    """Write a value as TOML would, as far as TOML can; ``none`` for None."""
    if value.__class__ is str:
        return _quoted(value)
    plain = _spell_scalar(value)
    if plain is not None:
        return plain
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{toml_key(str(key))} = {toml_text(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_text(item) for item in value) + "]"
    if isinstance(value, (set, frozenset)):
        return "[" + ", ".join(sorted(toml_text(item) for item in value)) + "]"
    return words_of(value, repr)


def nested_text(keys: Iterable[str | int], text: str) -> str:
    """Write a value below keys of tables in each other."""
    for key in reversed(list(keys)):
        text = f"{{{toml_key(str(key))} = {text}}}"
    return text


def words_of(thing: object, write: Callable[[Any], str] = str) -> str:
    """Write a thing of a program as it writes itself, or name its class where its own code fails at that."""
    try:
        return write(thing)
    except Exception as error:  # noqa: BLE001  The program's own code.
        return f"<{type(thing).__name__}, whose text fails with {type(error).__name__}>"


def _spell_scalar(value: object) -> str | None:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return toml_text(value.value) if isinstance(value.value, (str, int, float)) else value.name
    if isinstance(value, (str, os.PathLike)):
        return _quoted(str(os.fspath(value)))
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        return hex(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (datetime.date, datetime.time)):
        text = value.isoformat()
        return text if is_toml_moment(value) else _quoted(text)
    return _spell_textual(value)


def is_toml_moment(value: datetime.date | datetime.time) -> bool:
    """Tell whether TOML has a date or time: no time of day with a zone, no offset with seconds."""
    if isinstance(value, datetime.time):
        return value.tzinfo is None
    offset = value.utcoffset() if isinstance(value, datetime.datetime) else None
    return offset is None or not offset % datetime.timedelta(minutes=1)


def _spell_textual(value: object) -> str | None:
    """Spell what stands as text in a file: decimals, spans of time, addresses, bytes, patterns ..."""
    if isinstance(value, datetime.timedelta):
        whole = not value.microseconds
        return str(value // datetime.timedelta(seconds=1)) if whole else repr(value.total_seconds())
    if isinstance(value, bytes):
        import base64

        return _quoted(f"base64:{base64.b64encode(value).decode()}")
    kind = type(value)
    if kind.__module__ == "re" and kind.__name__ == "Pattern":
        return _quoted(str(getattr(value, "pattern", value)))
    return _quoted(str(value)) if kind.__module__ in _TEXTUAL else None


_TEXTUAL = frozenset({"decimal", "uuid", "ipaddress", "fractions", "zoneinfo"})


def json_text(value: object) -> str:
    """Write a value as JSON would; what JSON has no word for as TOML spells it, between quotes."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(key))}: {json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(json_text(item) for item in value) + "]"
    text = toml_text(value)
    spelled = isinstance(value, (bool, int, float)) or text.startswith('"')
    return text if spelled else _quoted(text)


def _quoted(text: str) -> str:
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    import json

    # TOML forbids DEL in a text, JSON allows it.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@lru_cache(maxsize=4096)  # every place of a file asks for the same few names
def toml_key(key: str) -> str:
    """Write a key as TOML does: bare where it can be, else quoted."""
    bare = key.isascii() and key.replace("_", "a").replace("-", "a").isalnum()
    return key if bare else _quoted(key)


def dotted_key(keys: Iterable[str | int]) -> str:
    """Write keys of tables in each other as TOML does: ``a."b.c"``."""
    return ".".join([toml_key(str(key)) for key in keys])


def show(value: object, *, secret: bool = False) -> str:
    """Write a value for people: spelled, shortened, masked when it is a secret."""
    if secret:
        return MASK
    text = toml_text(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 4]} ..."


def is_mask(value: object) -> bool:
    """Tell whether a value stands for a secret; no ``==`` of the program's own is asked."""
    return value.__class__ is str and value == MASK


def show_traced(value: object) -> str:
    """Write a value of a trace; a masked one as it is."""
    return MASK if is_mask(value) else show(value)


def without_secrets(value: Any, names: Collection[str]) -> Any:
    """Mask what stands in a value under the name of a secret, or one like it: in a wrong place, too."""
    if not names:
        return value
    if isinstance(value, Mapping):
        return {
            key: MASK
            if str(key) in names or close_matches(str(key), names, count=1)
            else without_secrets(item, names)
            for key, item in islice(value.items(), SHOWN_PARTS)
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(item, names) for item in islice(value, SHOWN_PARTS)]
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        words = set(re.findall(r"[\w-]+", value))
        return value if words.isdisjoint(names) else MASK
    return value


def one_word(text: str) -> str:
    """Quote a text that a shell would split or read in its own way."""
    import shlex

    return text if text in (MASK, "...") else shlex.quote(text)


def redact(text: str, value: object, *, secret: bool) -> str:
    """Take a secret value out of a text that somebody else wrote."""
    if not secret or value in (None, "", True, False):
        return text
    shown = words_of(value)
    if len(shown) < SHORT:  # inside words it stands by chance, and a mask there would show it
        return re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", MASK, text)
    return text.replace(shown, MASK)


def close_matches(word: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """Find names that a slip of the keyboard would turn into ``word``, best first."""
    import difflib

    names = {name.lower(): name for name in known}
    if len(word) > 200:
        return []
    matches = difflib.get_close_matches(word.lower(), names, n=count, cutoff=0.6)
    return [names[name] for name in matches]

"""Any TOML value: read as it is, frozen with a tag where JSON has no such type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ptyconf.schema.families import KINDS, find_kind
from ptyconf.schema.kind import NONE, Kind, Mismatch, parse_toml


def anything(kind: Any) -> Kind:
    """Make the kind of any TOML value."""
    return Kind(
        kind,
        "any value",
        _free,
        text_of_any,
        _free_toml,
        freeze_any,
        thaw_any,
        exact=frozenset({int, float, str, bool, NONE} if kind is Any else {int, float, str, bool}),
        mutable=True,
        optional=True,
    )


def _free(value: Any) -> Any:
    """Keep a free-form value apart from its caller's containers."""
    if isinstance(value, Mapping):
        return {key: _free(item) for key, item in value.items()}
    if isinstance(value, (list, set)):
        return type(value)(_free(item) for item in value)
    return value


def text_of_any(text: str) -> Any:
    """Read a text as TOML if it is, else as text."""
    try:
        return parse_toml(text.strip(), "")
    except Mismatch:
        return text


def read_texts(value: Any) -> Any:
    """Read every text that stands under the keys of a table by itself."""
    if isinstance(value, Mapping):
        return {key: read_texts(item) for key, item in value.items()}
    return text_of_any(value) if isinstance(value, str) else value


def may_be_index(keys: Sequence[str | int]) -> bool:
    """Tell whether keys of tables in each other may mean elements: a number where no type says."""
    return any(str(key).isdecimal() for key in keys[1:]) or any(isinstance(key, int) for key in keys)


def _free_toml(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _free_toml(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_free_toml(item) for item in value]
    kind = find_kind(type(value))
    return value if kind is None else kind.toml(value)


def freeze_any(value: Any) -> Any:
    """Write any TOML value as JSON, with a tag where JSON has no such type."""
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and not (
            len(value) == 1 and next(iter(value)).startswith("$")
        ):
            return {key: freeze_any(item) for key, item in value.items()}
        return {"$pairs": [[freeze_any(key), freeze_any(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple, set, frozenset)):
        frozen = [freeze_any(item) for item in value]
        name = type(value).__name__
        return (
            frozen
            if type(value) is list
            else {f"${name}": frozen if name == "tuple" else sorted(frozen, key=repr)}
        )
    kind = find_kind(type(value))
    if kind is None:
        return repr(value)
    frozen = kind.frozen(value)
    plain = type(value) in {str, int, bool, float, NONE} or isinstance(frozen, dict)
    return frozen if plain else {f"${type(value).__module__}.{type(value).__qualname__}": frozen}


def thaw_any(value: Any) -> Any:
    """Read what `freeze_any` wrote."""
    if isinstance(value, list):
        return [thaw_any(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        tag, inner = next(iter(value.items()))
        if tag == "$pairs":
            return {thaw_any(key): thaw_any(item) for key, item in inner}
        collection = {"$tuple": tuple, "$set": set, "$frozenset": frozenset}.get(tag)
        if collection is not None:
            return collection(thaw_any(item) for item in inner)
        if tag == "$float":
            return float(inner)
        if tag.startswith("$"):
            return _thaw_tagged(tag[1:], value, inner)
    return {key: thaw_any(item) for key, item in value.items()}


def _thaw_tagged(tag: str, value: dict[str, Any], inner: Any) -> Any:

    module, _, _ = tag.partition(".")
    family = (
        KINDS.get("datetime" if module in {"date", "time", "datetime"} and "." not in tag else module) or {}
    )
    for kind, item in family.items():
        if tag in {getattr(kind, "__name__", ""), f"{module}.{getattr(kind, '__qualname__', '')}"}:
            return item.thawed(value if "." not in tag else inner)
    return value

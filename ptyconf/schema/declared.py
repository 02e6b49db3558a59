"""What a class and the program's declaration say together of one setting."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

from ptyconf.errors import SchemaError
from ptyconf.schema.annotations import is_class_with_fields, name_of, optional_of
from ptyconf.schema.default_value import holds_nonfinite
from ptyconf.schema.fields import UNSET, attribute_value, is_steady
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Node, Section, Table
from ptyconf.schema.types import SEQUENCES, TABLES
from ptyconf.schema.view import Attribute, View
from ptyconf.text.show import words_of

DESCRIBED = (
    "help",
    "unit",
    "choices",
    "aliases",
    "deprecated",
    "merge",
    "secret",
    "nonfinite",
    "check",
    "conversion",
    "env",
    "text",
)

WEIGHTY = ("choices", "aliases", "deprecated", "merge", "secret", "nonfinite", "conversion")
"""Words that decide over values, or whether they are shown; ``checks`` may be a program's own."""


_BLANK = Setting("")


def complete(setting: Setting | None, path: str, attribute: Attribute) -> Setting:
    """Fill what a declaration leaves out from the attribute and its metadata."""
    base = setting or Setting(path)
    metadata = attribute.metadata
    for name in metadata:
        meant = "" if name in DESCRIBED else _nearly(str(name))
        if meant:
            raise SchemaError(f"{path!r} has the metadata {name!r}, which says nothing; write {meant!r}")
    read = {
        name: metadata[name]
        for name in DESCRIBED
        if name in metadata and getattr(base, name) == getattr(_BLANK, name)
    }
    if base.type is UNSET:
        read["type"] = attribute.type
    made = base.changed(metadata=metadata, **read)
    if base.default is not UNSET or attribute.default is UNSET:
        return made
    default = attribute.default
    if holds_nonfinite(default):
        made = made.changed(nonfinite=True)  # what a program has by itself, a file may say
    return made.changed(default=default if made.conversion is None else _converted(made, default))


def _nearly(name: str) -> str:
    """Give the word of a setting that differs from a name by one letter more or less, "" for none."""
    shorter = {name[:at] + name[at + 1 :] for at in range(len(name))}
    for word in WEIGHTY:
        if word in shorter or name in {word[:at] + word[at + 1 :] for at in range(len(word))}:
            return word
    return ""


def _converted(setting: Setting, default: Any) -> Any:
    """Translate a default as a value that somebody writes.

    Raises:
        SchemaError: The conversion does not take it.
    """
    conversion = setting.conversion
    try:
        return default if conversion is None else conversion.to_setting(default)
    except Exception as error:  # noqa: BLE001  The program's own code.
        words = "" if setting.secret else f": {words_of(error)}"
        raise SchemaError(
            f"{setting.path!r}: the conversion {conversion} does not take the default{words}"
        ) from (None if setting.secret else error)


def with_strategy(setting: Setting, node: Node | None) -> Setting:
    """Settle how layers combine, and refuse what cannot be."""
    kind, _ = optional_of(setting.type)
    origin = typing.get_origin(kind) or kind
    is_table = origin in TABLES
    is_list = origin in SEQUENCES or (
        origin is tuple and Ellipsis in (*typing.get_args(kind), *[...][: not typing.get_args(kind)])
    )
    if setting.merge in ("append", "union") and not is_list and kind not in (Any, object):
        raise SchemaError(
            f"{setting.path!r}: merge {setting.merge!r} joins lists, and its type is {name_of(setting.type)}"
        )
    if setting.merge == "deep" and not is_table and node is None and kind not in (Any, object):
        raise SchemaError(
            f"{setting.path!r}: merge 'deep' joins tables, and its type is {name_of(setting.type)}"
        )
    if setting.merge is not UNSET:
        return setting
    if isinstance(node, (Section, Table)):
        return setting.changed(merge="deep")
    return setting.changed(merge="deep" if is_table and setting.conversion is None else "replace")


def as_secret(attribute: Attribute) -> Attribute:
    """See an attribute of a section that is a secret as a whole."""
    return attribute._replace(metadata={**attribute.metadata, "secret": True})


def refresh(view: View[Any], instance: Any, factory: Callable[[], Any]) -> None:
    """Leave what of a default instance is another at each call to its factory, which each build asks."""
    other = factory()

    def part(name: str) -> Callable[[], Any]:
        return lambda: attribute_value(factory(), name)

    attributes, fresh = [], []
    for attribute in view.attributes:
        values = attribute_value(instance, attribute.name), attribute_value(other, attribute.name)
        if is_steady(*values):
            inner = part(attribute.name) if is_class_with_fields(type(values[0])) else None
            attributes.append(attribute._replace(factory=inner))
        else:
            fresh.append(attribute._replace(default=UNSET, required=False, factory=None))
            attributes.append(fresh[-1])
    view.attributes, view.fresh = tuple(attributes), tuple(fresh)
    view.factory = factory if fresh else None


def with_default(attribute: Attribute, instance: Any, source: str) -> Attribute:
    """Take the default of an attribute from a default instance of its class, where there is one."""
    if instance is UNSET or instance is None:
        return attribute
    value = attribute_value(instance, attribute.name)
    if value is UNSET:
        return attribute
    return attribute._replace(default=value, source=source, required=False, plain=False)

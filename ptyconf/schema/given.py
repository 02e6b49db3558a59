"""The views that a program gives: each once, with its default instance, and whether it is a secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ptyconf.errors import SchemaError
from ptyconf.schema.fields import UNSET
from ptyconf.schema.view import Attribute, View


def source_of(view: View[Any], attribute: Attribute) -> str:
    """Name an attribute for people: ``App.tls``."""
    return f"{getattr(view.target, '__qualname__', view.target)}.{attribute.name}"


def all_views(views: Iterable[View[Any]]) -> Iterator[View[Any]]:
    """Give every view once, an outer one before the views inside it."""
    seen: set[int] = set()
    waiting = list(views)
    while waiting:
        view = waiting.pop(0)
        if id(view) not in seen:
            seen.add(id(view))
            yield view
            waiting = [*view.nested, *waiting]


def default_instances(views: tuple[View[Any], ...]) -> dict[int, tuple[Any, str]]:
    """Find the default instance of every explicit view inside another; two that differ are refused."""
    instances: dict[int, tuple[Any, str]] = {}
    for view in views:
        for attribute in view.attributes:
            if (
                attribute.nested is None
                or attribute.default is UNSET
                or attribute.default is None
                or attribute.plain
            ):
                continue
            source = source_of(view, attribute)
            earlier = instances.get(id(attribute.nested))
            if earlier is not None and earlier[0] != attribute.default:
                raise SchemaError(
                    f"{earlier[1]} and {source} have different defaults for one view of "
                    f"{attribute.nested.target.__qualname__}; give each a view of its own"
                )
            instances[id(attribute.nested)] = attribute.default, source
    return instances


def secret_views(views: tuple[View[Any], ...]) -> set[int]:
    """Find the explicit views inside others all whose settings are secrets, and those inside them."""
    secret: set[int] = set()
    for view in views:  # an outer one comes before those inside it
        for attribute in view.attributes:
            if attribute.nested is not None and (attribute.metadata.get("secret") or id(view) in secret):
                secret.add(id(attribute.nested))
    return secret

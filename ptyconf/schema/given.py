"""What a program gives: views, each once, and default instances, some of which no constructor makes again."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ptyconf.errors import SchemaError
from ptyconf.schema.annotations import is_class_with_fields
from ptyconf.schema.construct import has_own_code
from ptyconf.schema.fields import UNSET, attribute_value, fields_of
from ptyconf.schema.view import ATOMS, Attribute, View, copied


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


def is_made_again(value: Any) -> bool:
    """Tell whether constructors make what a default holds again, of the values of its fields.

    One that has an InitVar does not, nor one that changes what it is given: its own code would run a second
    time; nor a collection of a class of its own, such as a defaultdict. What cannot be copied counts as made
    again, for there is no other way.
    """
    kind: Any = type(value)
    if kind in ATOMS:
        return True
    if isinstance(value, Mapping):
        return _is_plain(value, dict, OrderedDict) and all(map(is_made_again, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return _is_plain(value, list, tuple, set, frozenset) and all(map(is_made_again, value))
    own_code, names = _known_of(kind)
    return (not own_code or _is_alike(value)) and all(
        is_made_again(getattr(value, name, UNSET)) for name in names
    )


def _is_plain(collection: Any, *kinds: type) -> bool:
    return type(collection) in kinds or hasattr(collection, "_fields") or not _can_be_copied(collection)


def _can_be_copied(value: Any) -> bool:
    try:
        copy.deepcopy(value)
    except Exception:  # noqa: BLE001  The program's own objects.
        return False
    return True


@lru_cache(maxsize=1024)  # a layer may give thousands of instances of one class
def _known_of(kind: Any) -> tuple[bool, tuple[str, ...]]:
    """Tell whether a class has code of its own, and what its instances hold; nothing without fields."""
    return (has_own_code(kind), _names(kind)) if is_class_with_fields(kind) else (False, ())


def _names(kind: Any) -> tuple[str, ...]:
    """List what instances of a class hold, also what their constructor does not take."""
    fields = getattr(kind, "__dataclass_fields__", None)
    return tuple(fields) if fields is not None else tuple(field.name for field in kind.__attrs_attrs__)


def _is_alike(instance: Any) -> bool:
    """Construct an instance again of copies of its values, and compare."""
    kind = type(instance)
    if not _can_be_copied(instance):
        return True
    try:
        given = {field.argument: copied(attribute_value(instance, field.name)) for field in fields_of(kind)}
        again = kind(**given)
        pairs = [(getattr(again, name, UNSET), getattr(instance, name, UNSET)) for name in _names(kind)]
        return all(type(now) is type(was) and bool(now == was) for now, was in pairs)
    except Exception:  # noqa: BLE001  The class's own code.
        return False

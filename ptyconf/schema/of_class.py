"""The schema of a class by itself, made once."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ptyconf.arguments import expect_each
from ptyconf.errors import SchemaError
from ptyconf.schema.kind import Kind
from ptyconf.schema.schema import Schema
from ptyconf.schema.view import View

if TYPE_CHECKING:
    from cattrs import Converter

_SCHEMAS: dict[tuple[Any, tuple[Kind, ...], int, bool], tuple[Schema, Any]] = {}


def schema_of(
    app: Any, *, kinds: Iterable[Kind] = (), converter: Converter | None = None, references: bool = False
) -> Schema:
    """Give the schema of a class, as ``load`` uses it; kept for each class and what goes with it.

    Raises:
        SchemaError: The class cannot be one.
    """
    if not isinstance(app, type) and typing.get_origin(app) is None:
        # What it holds may be a secret.
        raise SchemaError(
            f"a value of type {type(app).__qualname__} is no class; give a dataclass or an attrs class"
        )
    own = expect_each("schema_of", "kinds", kinds, Kind)
    key = (app, own, id(converter), references)
    known = _SCHEMAS.get(key)
    if known is None:
        name = getattr(app, "__qualname__", str(app)).rpartition(".")[2]
        plain = not own and converter is None and not references
        schema = Schema(
            name,
            [View(app, "")],
            kinds=own,
            converter=converter,
            references=references,
            importable=f"{app.__module__}:{app.__qualname__}" if plain and _can_be_imported(app) else "",
        )
        known = _SCHEMAS[key] = schema, converter  # held, so that its identity stays its own
    return known[0]


def _can_be_imported(app: Any) -> bool:
    """Tell whether another process finds a class by its module and name."""
    module = sys.modules.get(getattr(app, "__module__", ""))
    try:
        return isinstance(app, type) and attrgetter(app.__qualname__)(module) is app
    except AttributeError:  # a class inside a function
        return False

"""Layered configuration that can always say where a value came from."""

from typing import TYPE_CHECKING, Any

from ptyconf.errors import Complaint, ConfigError, Problem, SchemaError
from ptyconf.load import load
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.resolve import resolve
from ptyconf.merge.trace import Entry, Trace
from ptyconf.schema.fields import UNSET
from ptyconf.schema.kind import Kind
from ptyconf.schema.of_class import schema_of
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Derivation, Policy, Rule, Setting
from ptyconf.schema.view import Bind, Conversion, View
from ptyconf.tracking import mark_set, set_fields, tracks_set_fields

if TYPE_CHECKING:
    from ptyconf.merge.provenance import provenance_of
    from ptyconf.report.difference import Change, Difference, diff

__all__ = [
    "UNSET",
    "Bind",
    "Change",
    "Complaint",
    "ConfigError",
    "Conversion",
    "Derivation",
    "Difference",
    "Entry",
    "Kind",
    "Layer",
    "Origin",
    "Policy",
    "Precedence",
    "Problem",
    "Resolution",
    "Rule",
    "Schema",
    "SchemaError",
    "Setting",
    "Trace",
    "View",
    "diff",
    "load",
    "mark_set",
    "provenance_of",
    "resolve",
    "schema_of",
    "set_fields",
    "tracks_set_fields",
]


def __getattr__(name: str) -> Any:
    """Bring in what most programs never use when it is asked for."""
    if name in {"Change", "Difference", "diff"}:
        from ptyconf.report import difference

        return getattr(difference, name)
    if name == "provenance_of":
        from ptyconf.merge.provenance import provenance_of

        return provenance_of
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

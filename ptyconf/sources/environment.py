"""The layer of environment variables below one declared prefix, ``__`` between levels."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from ptyconf.merge.layer import Fault, Keys, Layer, Unknown
from ptyconf.merge.origin import Origin


def layer(
    prefix: str,
    environ: Mapping[str, str] | None = None,
    *,
    name: str = "environment",
    unknown: Unknown = "error",
    reserved: Collection[str] = ("PROFILE",),
) -> Layer:
    """Make a layer of the variables that start with ``PREFIX__``.

    A variable that starts with ``PREFIX_`` and misses the second underscore is a near miss, and told.

    Args:
        prefix: The declared prefix, without underscores at its end.
        environ: The variables; the process's own if left out.
        name: Name in the precedence.
        unknown: What an unknown variable below the prefix is: error, warn or ignore.
        reserved: Names below the prefix that are no settings.
    """
    variables = os.environ if environ is None else environ
    start = f"{prefix}__"
    values: dict[str, str] = {}
    faults: list[Fault] = []
    for key in sorted(variables):
        if key.startswith(start):
            if key[len(start) :] not in reserved:
                values[key[len(start) :]] = variables[key]
        elif key.upper().startswith(f"{prefix.upper()}_") and unknown == "error":
            faults.append(_near_miss(key, prefix))

    def origins(keys: Keys) -> Origin:
        return Origin("environment", "environment", start + "__".join(keys))

    return Layer(
        name,
        values,
        origins,
        kind="environment",
        label=prefix,
        text=True,
        unknown=unknown,
        faults=tuple(faults),
    )


def _near_miss(key: str, prefix: str) -> Fault:
    rest = key[len(prefix) :].lstrip("_")
    return Fault(
        f"the variable {key!r} is not read",
        origin=Origin("environment", "environment", key),
        expected=f"{prefix}__SECTION__NAME, two underscores between levels",
        hint=f"{prefix}__{rest}",
    )

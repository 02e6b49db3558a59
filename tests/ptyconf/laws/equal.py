"""What laws mean by equal instances."""

from __future__ import annotations

from typing import Any

from ptyconf.merge.same import same


def same_object(one: Any, two: Any) -> bool:
    """Compare instances field by field, types too."""
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(two) and all(
            same_object(getattr(one, name), getattr(two, name)) for name in one.__dataclass_fields__
        )
    if isinstance(one, dict) and isinstance(two, dict):
        return list(one) == list(two) and all(same_object(each, two[key]) for key, each in one.items())
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same_object, one, two))
    return same(one, two)

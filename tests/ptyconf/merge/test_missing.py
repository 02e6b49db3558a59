"""A value that a class needs and nobody gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import make_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ptyconf

Tree = dict[str, "Tree | bool"]

NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
TREES = st.recursive(
    st.booleans(), lambda below: st.dictionaries(NAMES, below, min_size=1), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


def class_of(tree: Tree, name: str = "App") -> type:
    """Make a class whose attributes all need a value; a dict is a section."""
    fields = [
        (key, class_of(below, f"{name}{key.title()}") if isinstance(below, dict) else int)
        for key, below in tree.items()
    ]
    return make_dataclass(name, fields)


def leaves(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Give the path of each setting, and whether it is given."""
    for key, below in tree.items():
        if isinstance(below, dict):
            yield from leaves(below, (*path, key))
        else:
            yield ".".join((*path, key)), below


@given(TREES)
def test_everything_that_is_missing_is_told(tree: Tree) -> None:
    """One error names each of them, however deep, and none that was given."""
    given_values = {path: 1 for path, there in leaves(tree) if there}
    missing = {path for path, there in leaves(tree) if not there}
    if not missing:
        ptyconf.load(class_of(tree), overrides=given_values)
        return
    with pytest.raises(ptyconf.ConfigError) as caught:
        ptyconf.load(class_of(tree), overrides=given_values)
    assert {problem.path for problem in caught.value.exceptions} == missing

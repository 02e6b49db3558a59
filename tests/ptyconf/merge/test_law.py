"""The law of the merge, by properties."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ptyconf.merge.law import append, deep, entries, over, pile, push, stack, union, winner

paths = st.sampled_from(["a.x", "a.y", "b.x", "b.y"])
values = st.none() | st.integers(0, 3)
layers = st.dictionaries(paths, values)
stacks = st.lists(layers, max_size=5).map(lambda found: stack(enumerate(found)))
# A name is always a table (capital) or always a scalar, as a schema has it.
tables = st.recursive(
    st.dictionaries(st.sampled_from("pqr"), st.integers(0, 3), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("PQ"), inner, max_size=2),
    max_leaves=6,
)


def history(merged: dict[str, Any]) -> dict[str, list[tuple[Any, Any]]]:
    """Unroll the chains."""
    return {path: list(entries(link)) for path, link in merged.items()}


@given(stacks, stacks, stacks)
def test_merge_is_associative(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    """It does not matter which neighbours are merged first."""
    assert history(over(over(a, b), c)) == history(over(a, over(b, c)))


@given(stacks)
def test_empty_stack_is_identity(a: dict[str, Any]) -> None:
    """Nothing on either side changes nothing."""
    assert history(over({}, a)) == history(a) == history(over(a, {}))


@given(st.lists(layers, max_size=6))
def test_replaying_the_history_gives_the_values(found: list[dict[str, Any]]) -> None:
    """The tops of the histories are what dict.update would have left, and nothing is lost."""
    merged = stack(enumerate(found))
    updated: dict[str, Any] = {}
    for layer in found:
        updated.update(layer)
    assert {path: link[1] for path, link in merged.items()} == updated
    replayed = [
        {p: v for p, pairs in history(merged).items() for s, v in pairs if s == n} for n in range(len(found))
    ]
    assert replayed == found


@given(st.lists(layers, max_size=6), layers)
def test_merge_changes_no_input(found: list[dict[str, Any]], below: dict[str, Any]) -> None:
    """What is merged stays as it was."""
    under = stack([("below", below)])
    copies, before = [dict(each) for each in found], history(under)
    pile([(number, (each, each.values())) for number, each in enumerate(found)], under)
    assert found == copies
    assert history(under) == before


@given(st.lists(layers, max_size=5), layers)
def test_piling_is_pushing_each(found: list[dict[str, Any]], below: dict[str, Any]) -> None:
    """Many layers at once are the same as one after another."""
    under = stack([("below", below)])
    one_by_one = under
    for number, layer in enumerate(found):
        one_by_one = push(number, layer, one_by_one)
    at_once = pile([(number, (each, each.values())) for number, each in enumerate(found)], under)
    assert history(at_once) == history(one_by_one)


def test_winner_passes_over_sources() -> None:
    """The highest entry whose source passes wins; None when none does."""
    link = stack([("low", {"a": 1}), ("high", {"a": 2})])["a"]
    assert winner(link) == ("high", 2)
    assert winner(link, lambda source: source != "high") == ("low", 1)
    assert winner(link, lambda _: False) is None


def test_append_keeps_the_contributor_of_each() -> None:
    """Lower elements come first; None stops what lies below."""
    pairs = [("c", ["z"]), ("b", ["x", "y"]), ("a", ["x"])]
    assert append(pairs) == (["x", "x", "y", "z"], ["a", "b", "b", "c"])
    assert append([("c", ["z"]), ("b", None), ("a", ["x"])]) == (["z"], ["c"])


def test_union_keeps_the_first_of_equals() -> None:
    """An element that a lower layer has already stays that layer's."""
    assert union([("b", ["x", "y"]), ("a", ["x"])]) == (["x", "y"], ["a", "b"])
    assert union([("c", ["x", "x"]), ("b", None), ("a", ["y"])]) == (["x", "x"], ["c", "c"])


def test_deep_keeps_the_contributor_of_each_leaf() -> None:
    """Tables merge key by key at every depth; a scalar replaces a table and the reverse."""
    low, high = {"p": {"x": 1, "y": 1}, "q": 1}, {"p": {"y": 2}, "r": {"z": 2}}
    values, sources = deep([("high", high), ("low", low)])
    assert values == {"p": {"x": 1, "y": 2}, "q": 1, "r": {"z": 2}}
    assert sources == {"p": {"x": "low", "y": "high"}, "q": "low", "r": {"z": "high"}}
    assert deep([("high", {"p": 1}), ("low", low)])[0]["p"] == 1
    assert deep([("high", {"q": {"z": 3}}), ("low", low)])[0]["q"] == {"z": 3}


@given(tables, tables, tables)
def test_deep_merge_is_associative(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    """Combined tables do not depend on the grouping either."""

    def both(high: dict[str, Any], low: dict[str, Any]) -> dict[str, Any]:
        return deep([("high", high), ("low", low)])[0]

    assert both(both(a, b), c) == both(a, both(b, c)) == deep([(0, a), (1, b), (2, c)])[0]


@given(tables, tables)
def test_deep_merge_changes_no_input(a: dict[str, Any], b: dict[str, Any]) -> None:
    """The combined table shares nothing with the layers."""
    import copy

    before = copy.deepcopy((a, b))
    merged, _ = deep([("high", a), ("low", b)])
    for each in merged.values():
        if isinstance(each, dict):
            each.clear()
    assert (a, b) == before

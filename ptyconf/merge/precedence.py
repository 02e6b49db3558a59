"""The declared order of layer names; it is data, and never depends on the order of calls."""

from __future__ import annotations

from ptyconf.arguments import expect, expect_each
from ptyconf.errors import SchemaError
from ptyconf.merge.layer import Layer


class Precedence:
    """The declared order of layer names, high to low; a tuple of names shares a rank.

    Raises:
        SchemaError: A name stands in it twice.
    """

    def __init__(self, *names: str | tuple[str, ...]) -> None:
        self.ranks: dict[str, int] = {}
        self.names: tuple[str | tuple[str, ...], ...] = names
        for layer in names:
            expect(
                "Precedence",
                "a name",
                layer,
                (str, tuple),
                "names, high to low",
                'Precedence("flags", "file")',
            )
        for rank, layer in enumerate(names):
            for name in (
                (layer,) if isinstance(layer, str) else expect_each("Precedence", "a rank", layer, str)
            ):
                if name in self.ranks:
                    raise SchemaError(f"the layer {name!r} stands twice in the precedence")
                self.ranks[name] = rank

    def __repr__(self) -> str:
        return f"Precedence{self.names!r}"

    def __contains__(self, name: object) -> bool:
        return name in self.ranks

    def rank(self, layer: Layer) -> tuple[int, int]:
        """Give a layer's place in the order, smaller above.

        Raises:
            SchemaError: The precedence does not know the layer.
        """
        rank = self.ranks.get(layer.name)
        if rank is None:
            raise SchemaError(f"the layer {layer.name!r} is not in the precedence: {', '.join(self.ranks)}")
        return rank, layer.within

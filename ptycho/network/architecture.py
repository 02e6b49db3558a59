"""What an architecture can do, and how a backend builds it: the entry of the registry of architectures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ptycho.settings.registries import ARCHITECTURES
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.network.blocks import Block
    from ptycho.network.layers import Layers
    from ptycho.network.settings import NetworkSettings

Builder = Callable[["NetworkSettings"], Any]


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Attributes:
        name: What `model.architecture` calls it.
        sides: Patch sides N in pixels that it accepts.
        sides_text: The same for an error: "one of 64, 128, 256".
        merges_groups: Its patches agree within their group already; others are merged in real space.
        takes_probe: It is called with an `Illumination` and the relative positions; others see the measured
            amplitudes alone.
        whole_scan: All frames of a scan meet on one canvas; others look at groups of gridsize² frames.
        uses: Settings of `model` that shape this kind of network and not every other.
        blocks: Makes it of a backend's layers, written once for all backends; None where each has its own.
        builders: What makes it for one backend alone, by the backend's name: a function of the settings, or
            its place as text, "package.module:function", which is imported when it is asked for.
        least_numbers: A lower bound of the numbers in its weights, known without building it.
        repeats: How often it holds the same part: a number that a stored file may not invent.
    """

    name: str
    sides: Collection[int]
    sides_text: str
    merges_groups: bool = False
    takes_probe: bool = False
    whole_scan: bool = False
    uses: frozenset[str] = frozenset()
    blocks: Callable[[Layers, NetworkSettings], Block] | None = None
    builders: Mapping[str, Builder | str] = field(default_factory=dict)
    least_numbers: Callable[[NetworkSettings], int] = lambda _: 0
    repeats: Callable[[NetworkSettings], int] = lambda _: 1

    def accepts_side(self, n: int) -> bool:
        """Tell whether it takes patches of n x n pixels."""
        return n in self.sides

    def require_side(self, n: int) -> None:
        """Accept a patch side.

        Raises:
            ValueError: It takes other sides.
        """
        if not self.accepts_side(n):
            raise ValueError(error_text(f"Unsupported input size: {n}", expected=self.sides_text))

    def build(
        self, settings: NetworkSettings, backend: str, wrap: Callable[[Block], Any], layers: Layers
    ) -> Any:
        """Build it for a backend.

        Args:
            settings: Shape of the network.
            backend: Name of the backend.
            wrap: Turns blocks into what the backend holds weights in.
            layers: The backend's layers.

        Raises:
            ValueError: Nobody says how this backend builds it.
        """
        builder = self.builders.get(backend)
        if builder is not None:
            return _function(builder)(settings)
        if self.blocks is None:
            raise ValueError(
                error_text(
                    f"the architecture {self.name!r} cannot be built by the backend {backend!r}",
                    known=", ".join(self.builders) or "no backend builds it",
                    hint=f"`blocks`, or builders[{backend!r}], in the entry of {self.name!r}",
                )
            )
        return wrap(self.blocks(layers, settings))


def _function(builder: Builder | str) -> Builder:
    if not isinstance(builder, str):
        return builder
    module, _, name = builder.partition(":")
    function: Builder = getattr(import_module(module), name)
    return function


def architecture_named(name: str) -> Architecture:
    """Look an architecture up.

    Raises:
        UnknownEntryError: There is none of that name; the message lists those that there are.
    """
    entry: Architecture = ARCHITECTURES[name]
    return entry

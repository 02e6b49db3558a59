"""How many numbers a network has at least, known before any memory is taken for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .settings import NetworkSettings

SMALL_NETWORK = 10**8
"""Numbers of a network that fits into any memory; its weights may tell best what is wrong with it."""

FEW_REPEATS = 64
"""Equal parts that are built in no time."""


def pair_numbers(channels: int, filters: int) -> int:
    """Count the kernels of two 3 x 3 convolutions in a row."""
    return 9 * filters * (channels + filters)


def require_like_size(settings: NetworkSettings, weights: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a network that is far larger than the weights that were stored for it.

    Raises:
        ValueError: It is, and too large to be built just to see.
    """
    architecture = settings.kind
    least, stored = architecture.least_numbers(settings), sum(array.size for array in weights.values())
    if least > max(stored, SMALL_NETWORK):
        raise ValueError(_other_size(f"a network of at least {least} numbers and holds {stored}"))
    repeats = architecture.repeats(settings)
    if repeats > max(len(weights), FEW_REPEATS):
        raise ValueError(
            _other_size(f"{repeats} passes of a {architecture.name} and holds {len(weights)} arrays")
        )


def _other_size(what: str) -> str:
    return error_text(
        f"the bundle describes {what}",
        expected="the weights of that network",
        hint="the file as `ptycho train` wrote it",
    )

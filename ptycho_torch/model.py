"""The Lightning module under its public name; torch is imported when it is asked for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptycho_torch.lit.checkpoints import PtychoPINN_Lightning

__all__ = ["PtychoPINN_Lightning"]


def __getattr__(name: str) -> Any:
    if name == "PtychoPINN_Lightning":
        from ptycho_torch.lit import checkpoints

        return checkpoints.PtychoPINN_Lightning
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

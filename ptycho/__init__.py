"""Neural ptychography: configuration, scan data, physics, metrics, reports; no framework is imported."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
"""As `typing.TYPE_CHECKING`, without the import of that: Ctrl-C is not answered until this is imported."""

if TYPE_CHECKING:
    from typing import Any

    from ptycho import loader, model, model_manager, probe, tf_helper
    from ptycho.clients.reconstruction import reconstruct

__all__ = ["loader", "model", "model_manager", "probe", "reconstruct", "tf_helper"]


def __getattr__(name: str) -> Any:
    """Import the doors for clients when they are asked for as attributes."""
    if name == "reconstruct":
        return import_module("ptycho.clients.reconstruction").reconstruct
    if name in __all__:
        return import_module(f"ptycho.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

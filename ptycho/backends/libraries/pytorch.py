"""PyTorch, by Lightning's training loop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ptycho.backends.base import Library
from ptycho.training.launch import RANK_VARIABLES, read_launch

if TYPE_CHECKING:
    from ptyconf import Resolution

_LIGHTNING_RANKS = ("LOCAL_RANK", "NODE_RANK")
"""With these Lightning numbers the processes that it starts itself."""


def _leads(_resolution: Resolution) -> bool:
    """Tell by the ranks that torchrun, Slurm, MPI or Lightning give to the processes that they start."""
    launch = read_launch()
    if launch.size > 1:
        return launch.first
    return all(os.environ.get(name, "0") in ("", "0") for name in _LIGHTNING_RANKS)


def _best_accelerator(torch: Any) -> tuple[str, str]:
    if torch.cuda.is_available():
        return "cuda", "torch.cuda.is_available() is true"
    if torch.backends.mps.is_available():
        return "mps", "torch.backends.mps.is_available() is true"
    return "cpu", "torch finds neither CUDA nor MPS"


BACKEND = Library(
    name="pytorch",
    title="PyTorch",
    package="torch",
    oldest="2.2",
    module="ptycho_torch.backend",
    best_accelerator=_best_accelerator,
    policy=" (POLICY-001)",
    process_variables=(*RANK_VARIABLES, *_LIGHTNING_RANKS),
    leads=_leads,
    settles_execution_config=True,
    loads_package=True,
)

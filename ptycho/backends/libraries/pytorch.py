"""PyTorch, by Lightning's training loop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ptycho.backends.base import Library

if TYPE_CHECKING:
    from ptyconf import Resolution

_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


def _leads(_resolution: Resolution) -> bool:
    """Tell by the ranks that torchrun, Lightning, SLURM and MPI give to the processes that they start."""
    return not any(int(os.environ.get(name, "0")) > 0 for name in _RANKS)


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
    process_variables=_RANKS,
    leads=_leads,
    settles_execution_config=True,
    loads_package=True,
)

"""What clients ask about the files of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.run.record import LAST_CHECKPOINT, best_checkpoints

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["find_best_checkpoint"]


def find_best_checkpoint(run_dir: Path) -> Path | None:
    """Find the checkpoint of the best epoch in a run folder, else that of the last one; None without any.

    Where several are kept, the last checkpoint knows which is the best; without it, the latest epoch is
    taken, for each one that is kept was among the best when it was written.

    Raises:
        ValueError: The last checkpoint is none of this library.
    """
    best_files = list(best_checkpoints(run_dir))
    last = run_dir / LAST_CHECKPOINT
    if len(best_files) > 1 and last.is_file():
        from ptycho_torch.lit.checkpoints import read_best_name

        named = run_dir / read_best_name(last)
        if named in best_files:
            return named
    if best_files:
        return best_files[0]
    return last if last.is_file() else None

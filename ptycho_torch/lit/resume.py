"""Continue an earlier training of this backend: what its checkpoint says."""

import pickle
import zipfile
from pathlib import Path

import torch

from ptycho.training.resume import Resumed, find_checkpoint, refuse_checkpoint, require_backend


def read_checkpoint(path: Path) -> Resumed:
    """Read what a checkpoint says, running no code from it.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: The file is no checkpoint of ours, or one of the other backend.
    """
    path = find_checkpoint(path)
    require_backend(path, "pytorch")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return Resumed(
            path=path,
            epochs=len({int(row["epoch"]) for row in content["history"]}),
            network=dict(content["hyper_parameters"]["network"]),
            history=list(content["history"]),
        )
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
        raise refuse_checkpoint(path, reason) from error

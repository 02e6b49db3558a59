"""Wrong checkpoints of both backends: changed bytes, and whole files whose content is not what it was."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import zipfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from mutations import (  # type: ignore[import-not-found]
    change_bytes,
    change_head,
    change_node,
    odd_array,
    raw_json,
)

from ptycho.tf.start import start

EARLIER = Path(__file__).resolve().parents[1] / "data" / "earlier"
PYTORCH, TENSORFLOW = EARLIER / "pytorch-unet.ckpt", EARLIER / "tensorflow-unet.ckpt"


@cache
def _torch_content() -> Any:
    import torch

    return torch.load(PYTORCH, map_location="cpu", weights_only=True)


def _saved_by_torch(content: Any) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def _odd_tensor(rng: random.Random, tensor: Any) -> Any:
    import torch

    array = odd_array(rng, tensor.numpy())
    if array.dtype.kind not in "biufc" or array.dtype in (np.longdouble, np.uint16):
        return tensor.reshape(-1)[:1]
    return torch.from_numpy(np.array(array))


def _change_tensors(rng: random.Random, content: Any) -> Any:
    """Replace the weights or the momenta of one name by odd ones, or forget them."""
    state = dict(content["state_dict"])
    name = rng.choice(list(state))
    if rng.random() < 0.3:
        del state[name]
    else:
        state[name] = _odd_tensor(rng, state[name])
    return {**content, "state_dict": state}


def _inflated(rng: random.Random, content: bytes) -> bytes:
    """Pack the members of an archive anew, one of them as zeros that shrink to nearly nothing."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        names = old.namelist()
        bomb = rng.choice([*names, f"{names[0].split('/')[0]}/data/999"])
        for name in dict.fromkeys([*names, bomb]):
            if name == bomb:
                new.writestr(name, bytes(rng.choice((10**4, 10**9))), zipfile.ZIP_DEFLATED)
            else:
                new.writestr(name, old.read(name))
    return stream.getvalue()


def of_torch(rng: random.Random, folder: Path) -> Path:
    """Write a checkpoint of torch in which something is wrong."""
    path, kind = folder / "last.ckpt", rng.random()
    if kind < 0.25:
        content = change_head(rng, PYTORCH.read_bytes(), 3000)
    elif kind < 0.35:
        content = change_bytes(rng, PYTORCH.read_bytes())
    elif kind < 0.38:
        content = _inflated(rng, PYTORCH.read_bytes())
    elif kind < 0.6:
        content = _saved_by_torch(_change_tensors(rng, _torch_content()))
    else:
        content = _saved_by_torch(change_node(rng, _torch_content()))
    path.write_bytes(content)
    return path


def _with_header(header: bytes, arrays: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + arrays


def _sealed(metadata: dict[str, Any], text: str) -> dict[str, Any]:
    """Put another header into the metadata, with a digest that agrees."""
    digests = json.loads(metadata["sha256"]) if "sha256" in metadata else {}
    digests["ptychopinn"] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"ptychopinn": text, "sha256": json.dumps(digests)}


def of_tensorflow(rng: random.Random, folder: Path) -> Path:
    """Write a checkpoint of TensorFlow in which something is wrong."""
    path, seed, kind = folder / "last.ckpt", TENSORFLOW.read_bytes(), rng.random()
    (size,) = struct.unpack("<Q", seed[:8])
    table, arrays = json.loads(seed[8 : 8 + size]), seed[8 + size :]
    metadata = table["__metadata__"]
    if kind < 0.25:
        content = change_head(rng, seed, size + 8)
    elif kind < 0.35:
        content = change_bytes(rng, seed)
    elif kind < 0.5:
        content = _with_header(raw_json(change_node(rng, table)).encode("utf-8", "surrogatepass"), arrays)
    elif kind < 0.55:
        length = rng.choice((2**63, 2**40, len(seed), 0))
        content = struct.pack("<Q", length) + seed[8:]
    else:
        text = raw_json(change_node(rng, json.loads(metadata["ptychopinn"])))
        table["__metadata__"] = _sealed(metadata, text)
        content = _with_header(json.dumps(table).encode(), arrays)
    path.write_bytes(content)
    return path


def read_torch(path: Path) -> None:
    """Read a checkpoint in all the ways that a resumed run does."""
    from ptycho_torch.lit import checkpoints as of_lightning

    of_lightning.read_checkpoint(path)
    of_lightning.read_settings(path)
    of_lightning.load_network(path)


def read_tensorflow(path: Path) -> None:
    """Read a checkpoint as a resumed run does."""
    from ptycho.tf import checkpoints as of_tensorflow

    of_tensorflow.load_network(path)


def import_torch(_folder: Path) -> None:
    """Import what reads: its time is not the reading's."""
    import_module("ptycho_torch.lit.checkpoints")


def import_tensorflow(_folder: Path) -> None:
    """Import what reads, as a command would."""
    start()
    import_module("ptycho.tf.checkpoints")

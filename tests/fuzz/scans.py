"""Small scans in the formats of the field, right ones and wrong ones, and what lies beside them."""

from __future__ import annotations

import bz2
import hashlib
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from mutations import (  # type: ignore[import-not-found]
    change_head,
    npy_bytes,
    npz_bytes,
    odd_array,
    zeros_npy,
)
from scipy.io import savemat

Array = np.ndarray[Any, Any]

FRAMES, SIDE = 16, 32
METADATA = {
    "schema_version": "1.0.0",
    "creation_info": {"timestamp": "2026-01-01T00:00:00+00:00", "script": "simulate"},
    "physics_parameters": {"nphotons": 1e6, "gridsize": 1, "N": SIDE},
    "training_parameters": {"batch_size": 4},
    "data_transformations": [{"tool": "a", "operation": "b", "parameters": {}}],
    "additional_parameters": {"note": "text"},
}


@cache
def arrays() -> dict[str, Array]:
    """Give the arrays of a scan of 16 frames of 32 pixels."""
    rng = np.random.default_rng(0)
    y, x = (axis.ravel() * 5.0 + 20 for axis in np.mgrid[:4, :4])
    x, y = x + rng.uniform(-1, 1, FRAMES), y + rng.uniform(-1, 1, FRAMES)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    spot = np.exp(-(rows**2 + columns**2) / 40.0)
    return {
        "diff3d": rng.poisson(1 + 50 * spot, size=(FRAMES, SIDE, SIDE)).astype(np.uint16),
        "xcoords": x,
        "ycoords": y,
        "xcoords_start": x,
        "ycoords_start": y,
        "probeGuess": spot * np.exp(0.1j * rows),
        "scan_index": np.zeros(FRAMES, np.int64),
        "objectGuess": np.ones((80, 80), np.complex64),
    }


def pairs() -> Array:
    """Give the positions, shape (16, 2)."""
    return np.stack([arrays()["xcoords"], arrays()["ycoords"]], axis=1)


def positions_text() -> str:
    """Give the positions as a table of two columns."""
    return "x [px], y [px]\n" + "\n".join(f"{x:.4f}, {y:.4f}" for x, y in pairs())


def write_companions(folder: Path) -> None:
    """Put whole frames and whole positions into a folder, for what is read beside them."""
    (folder / "frames.npy").write_bytes(npy_bytes(arrays()["diff3d"]))
    (folder / "positions.csv").write_text(positions_text())


@cache
def zeros(count: int) -> bytes:
    """Give so many zeros as an NPY file."""
    content: bytes = zeros_npy(count)
    return content


@cache
def _bzip2(count: int) -> bytes:
    return bz2.compress(bytes(count))


def bzip2_bomb(path: Path, count: int) -> Path:
    """Write a bzip2 file that unpacks to so many zeros."""
    path.write_bytes(_bzip2(count))
    return path


@cache
def reconstruction_members() -> dict[str, bytes]:
    """Give the members of a reconstruction."""
    picture = np.ones((20, 20), np.complex64)
    frames = np.ones((4, SIDE, SIDE), np.float32)
    content = {
        "object": picture,
        "coverage": picture.real,
        "origin_px": np.zeros(2),
        "positions": pairs(),
        "probe": picture[np.newaxis],
        "frame_indices": np.arange(4),
        "measured": frames,
        "predicted": frames,
        "notes": np.array("a note"),
        "format_version": np.array(1),
    }
    return {f"{name}.npy": npy_bytes(array) for name, array in content.items()}


@cache
def retrieved_members() -> dict[str, bytes]:
    """Give the members of a picture that was retrieved with a probe."""
    content = {
        "object": np.ones((SIDE, SIDE), np.complex64),
        "origin_px": np.array([4, 4]),
        "probe": np.ones((1, SIDE, SIDE), np.complex64),
        "frames": np.array([1, 3]),
        "positions": np.full((4, 2), 4.0 + SIDE // 2),
        "scan": np.array("0" * 32),
        "format_version": np.array(1),
    }
    return {f"{name}.npy": npy_bytes(array) for name, array in content.items()}


def sealed(members: dict[str, bytes], manifest: Any, name: str, content: bytes) -> bytes:
    """Pack a bundle with one member changed, and a manifest that knows the change."""
    if isinstance(manifest, dict) and isinstance(manifest.get("members"), dict):
        digest = hashlib.sha256(content).hexdigest()
        manifest["members"][name] = {"size": len(content), "sha256": digest}
    packed: bytes = npz_bytes({**members, "manifest.json": json.dumps(manifest).encode(), name: content})
    return packed


def _layouts() -> tuple[dict[str, Array], ...]:
    """Give what the layouts of HDF5 files hold, by place."""
    frames, (x, y) = arrays()["diff3d"], pairs().T * 1e-7
    detector = "entry_1/instrument_1/detector_1"
    cxi = {
        "cxi_version": np.array(160),
        f"{detector}/data": frames,
        f"{detector}/distance": np.array(1.5),
        f"{detector}/x_pixel_size": np.array([75e-6]),
        f"{detector}/y_pixel_size": np.array(75e-6),
        f"{detector}/mask": np.zeros((SIDE, SIDE), np.uint32),
        "entry_1/instrument_1/source_1/energy": np.array(1.28e-15),
        "entry_1/data_1/data": frames,
        "entry_1/data_1/translation": np.stack([x, y, 0 * x], axis=1),
    }
    nexus = {
        "entry_1/definition": np.array(b"NXptycho"),
        "entry_1/data/data": frames,
        "entry_1/data/x": x * 1e6,
        "entry_1/data/y": y * 1e6,
        f"{detector}/distance": np.array(1.5),
        f"{detector}/x_pixel_size": np.array(75e-6),
        f"{detector}/y_pixel_size": np.array(75e-6),
        "entry_1/instrument_1/beam_1/energy": np.array(8.0),
    }
    ptyd = {
        "chunks/0/data": frames,
        "chunks/0/positions": np.stack([y, x], axis=1),
        "chunks/0/weights": np.ones(frames.shape, np.float32),
        "meta/energy": np.array(8.0),
        "meta/distance": np.array(1.5),
        "meta/psize": np.array([75e-6, 75e-6]),
    }
    ptylab = {
        "ptychogram": frames.astype(np.float32),
        "encoder": np.stack([x, y], axis=1),
        "wavelength": np.array(1.5e-10),
        "zo": np.array(1.5),
        "dxd": np.array(75e-6),
    }
    plain = {"scan/detector": frames, "scan/x": x, "scan/y": y}
    product = {
        "patterns": frames,
        "indexes": np.arange(FRAMES),
        "bad_pixels": np.zeros((SIDE, SIDE), bool),
    }
    fold = {"dp": frames}
    return cxi, nexus, ptyd, ptylab, plain, product, fold


def write_hdf5(path: Path, content: dict[str, Array]) -> None:
    """Write datasets by their places, into a new file: HDF5 replaces none that somebody has open."""
    path.unlink(missing_ok=True)
    with h5py.File(path, "w") as file:
        for name, array in content.items():
            file.create_dataset(name, data=array if array.dtype.kind != "U" else str(array).encode())


def hdf5(rng: random.Random, folder: Path) -> Path:
    """Write an HDF5 file of some layout in which something is wrong."""
    path = folder / "scan.h5"
    content = dict(rng.choice(_layouts()))
    name = rng.choice(list(content))
    kind = rng.randrange(8)
    if kind == 0:
        content.pop(name)
    elif kind <= 2:
        array = odd_array(rng, content[name])
        content[name] = array if array.dtype.kind != "M" else array.astype(np.int64)
    write_hdf5(path, content)
    if kind in {3, 4}:
        with h5py.File(path, "a") as file:
            _spoil(rng, file, name)
    elif kind >= 5:
        path.write_bytes(change_head(rng, path.read_bytes(), rng.choice((512, 4096, 2**16))))
    return path


def _spoil(rng: random.Random, file: Any, name: str) -> None:
    """Replace a dataset by what claims much, leads nowhere, or says odd things about itself."""
    shape = file[name].shape
    kind = rng.randrange(8)
    if kind == 0:
        file[name].attrs["units"] = rng.choice(
            ("furlong", "\x1b[31m", 3.0, np.array([1, 2]), b"\xff\xfe", "mm")
        )
        return
    del file[name]
    if kind == 1:
        file.create_dataset(name, (10**6, 10**6), "f8", chunks=(1000, 1000))
    elif kind == 2:
        file.create_dataset(name, (10**5, 10**5, 10**3), "u2")
    elif kind == 3:
        file.create_dataset(name, (16, 20000, 20000), "u2", chunks=(1, 20000, 20000), compression="gzip")
    elif kind == 4:
        file[name] = h5py.SoftLink(f"/{name}")
    elif kind == 5:
        file[name] = h5py.ExternalLink(rng.choice(("missing.h5", "scan.h5", "/etc/passwd")), "/a")
    elif kind == 6:
        layout = h5py.VirtualLayout(shape=(10**5, 10**5), dtype="f8")
        file.create_virtual_dataset(name, layout)
    else:
        file.create_dataset(name, shape, h5py.string_dtype()) if shape else file.create_group(name)


def mat(rng: random.Random, folder: Path) -> Path:
    """Write a MATLAB file of version 5 with changed bytes."""
    path = folder / "scan.mat"
    savemat(path, {name: arrays()[name] for name in ("diff3d", "xcoords", "ycoords")})
    path.write_bytes(change_head(rng, path.read_bytes(), 300))
    return path

"""Members with right sums and wrong content are refused: nothing is unpickled, nothing allocated."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ptycho.bundle.archive import FILE_NAME, Bundle, BundleError
from ptycho.bundle.read import read_bundle
from ptycho.bundle.write import write_bundle

from .damage import (
    WROTE,
    reseal,
)


def _weights(**arrays: np.ndarray) -> bytes:
    return safetensors.numpy.save(arrays)


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def _npy_with(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


def _header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    described = {"descr": "<c8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "probe.npy",
            _npy(np.array([{}], dtype=object)),
            "ValueError: probe modes of object and shape (1,) in ",
        ),
        (
            "probe.npy",
            _header((1, 10**7, 10**7)),
            "ValueError: probe modes of complex64 and shape (1, 10000000, 10000000) in 128 bytes",
        ),
        ("probe.npy", _npy(np.ones((8, 8))), "ValueError: probe modes of float64 and shape (8, 8) in "),
        ("probe.npy", _npy_with("-" * 9000 + "1"), "ValueError: an NPY header of 9001 bytes"),
        ("probe.npy", _npy_with("(" * 90), "ValueError: its NPY header cannot be understood"),
        (
            "probe.npy",
            _npy(np.full((1, 8, 8), np.nan, np.complex64)),
            "ValueError: probe modes that are NaN or infinite",
        ),
        ("probe.npy", b"xx", "ValueError: EOF: reading magic string"),
        ("scaling.json", b"[1]", "TypeError: a list where a table belongs"),
        ("scaling.json", b'{"a": NaN}', "ValueError: NaN is not a finite number"),
        ("provenance.json", b"[" * 10**5 + b"]" * 10**5, "ValueError: its lists are nested too deeply"),
        ("provenance.json", b'{"settings": [{}]}', "ValueError: a setting without path or value: {}"),
        (
            "provenance.json",
            b'{"settings": [{"path": ["model.N"], "value": 1}]}',
            "TypeError: a setting whose path is a list",
        ),
        (
            "provenance.json",
            b'{"settings": [{"path": "data.crop_px", "value": ' + b"[" * 900 + b"]" * 900 + b"}]}",
            "ValueError: its lists are nested too deeply",
        ),
        ("settings.toml", b"\xff", "UnicodeDecodeError: "),
        ("settings.toml", b"no table", "TextError: is not TOML: "),
        ("settings.toml", b"a." * 10**5 + b"b = 1", "TextError: is nested more than 100 deep"),
        ("settings.toml", b"a = " + b"[" * 10**5, "TextError: is nested more than 100 deep"),
        (
            "weights.safetensors",
            _weights(kernel=np.ones(2, np.complex64)),
            "TypeError: the weight kernel is of type complex64",
        ),
        (
            "weights.safetensors",
            _weights(kernel=np.ones(2, np.int64)),
            "TypeError: the weight kernel is of type int64",
        ),
        (
            "weights.safetensors",
            _weights(probe=np.ones(2, np.float32)),
            "TypeError: the weight probe is of type float32",
        ),
        (
            "weights.safetensors",
            _weights(kernel=np.array([1, np.inf], np.float32)),
            "ValueError: kernel holds values that are NaN or infinite",
        ),
        ("weights.safetensors", b"\xff" * 100, "SafetensorError: "),
    ],
)
def test_content_of_another_kind_is_refused(
    tmp_path: Path, trained: Bundle, name: str, content: bytes, reason: str
) -> None:
    """Right sums do not help what is no probe, no table, no text: nothing is unpickled, nothing allocated."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    reseal(path, name, content)
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    what, *rest = str(caught.value).splitlines()
    assert what.startswith(f"{path} cannot be understood: {reason}")
    assert rest == [
        f"  written by  {WROTE}",
        "  expected    format 1 of wts.h5.zip",
        "  try         training again with this version",
    ]

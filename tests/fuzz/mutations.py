"""Wrong content from right content: bytes, texts, tables and arrays, drawn from one seeded source."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

DEEP = "a place where brackets are nested without end"
HUGE_NUMBER = "a number of four hundred digits"
RAW = {DEEP: "[" * 100_000 + "]" * 100_000, HUGE_NUMBER: "1" + "0" * 400}
"""What the writers of JSON do not write, by the text that stands for it."""

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    "",
    "\x1b[31m\x07\u202e<script>",
    0,
    -1,
    10**30,
    1e308,
    float("nan"),
    float("-inf"),
    "9" * 5000,
    "../../etc/passwd",
    [None, [1, "2"]],
    {"value": {"": None}},
    DEEP,
    HUGE_NUMBER,
)

ODD_LINES = (
    "= 3",
    "[",
    "[[training]]",
    "[training",
    "[model]\n[model]",
    'include = "/etc/passwd"',
    'include = ["."]',
    "unset = 3",
    "profile = 1",
    "a = " + "[" * 5000,
    "training.nepochs = " + "9" * 5000,
    'x = "\x1b[2J"',
    "x: &a [*a]",
    "\t- : ?",
    "{" * 3000,
    "'",
    '"""',
    "export = '",
    "<<: *nothing",
    "x: !!python/object:os.system rm",
    "PTYCHO__TRAINING__NEPOCHS=1e999",
    "\ufeff\ufeff",
    "\x00",
    "\ud800",
)

ODD_HEADERS = (
    "{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 100000), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 4), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 2), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1" + "0" * 400 + ",), }",
    "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': [('a', '<f8'), ('b', '|O')], 'fortran_order': True, 'shape': (3,), }",
    "{'descr': ('<f8', (10000, 10000, 10000)), 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f8', 'fortran_order': 1, 'shape': 3, }",
    "{'descr': '<f8', 'shape': (3,), }",
    "{'descr': 'nothing', 'fortran_order': False, 'shape': (3,), }",
    "(" * 1000,
    "{'descr': " + "-" * 3000 + "1}",
    "__import__('os').system('true')",
    "",
)


def raw_json(value: Any) -> str:
    """Write JSON, with what its writers refuse in the places that stand for it."""
    text = json.dumps(value)
    for mark, raw in RAW.items():
        text = text.replace(json.dumps(mark), raw)
    return text


def change_bytes(rng: random.Random, content: bytes) -> bytes:
    """Flip, cut, repeat, overwrite or insert bytes, one to four times."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 2, 4, 8, 64, 1024))
        kind = rng.randrange(7)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at:]
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at : at + length] = rng.randbytes(length)
        elif kind == 4:
            changed[at:at] = rng.randbytes(length)
        elif kind == 5:
            changed[at : at + 8] = rng.choice((b"\xff" * 8, b"\0" * 8, struct.pack("<q", -1), b"\x7f" * 8))
        else:
            changed[at:at] = changed[at : at + length]
    return bytes(changed)


def change_head(rng: random.Random, content: bytes, head: int = 2048) -> bytes:
    """Change bytes near the beginning or the end, where formats keep their tables."""
    if rng.random() < 0.5:
        return change_bytes(rng, content[:head]) + content[head:]
    return content[:-head] + change_bytes(rng, content[-head:])


def change_text(rng: random.Random, text: str) -> str:
    """Drop, swap, repeat or spoil lines, or put odd ones between them."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        kind = rng.randrange(6)
        if kind == 0:
            lines.insert(at, rng.choice(ODD_LINES))
        elif kind == 1:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        elif kind == 2:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif kind == 3:
            head, mark, _ = lines[at].partition("=" if "=" in lines[at] else ":")
            lines[at] = head + mark + raw_json(rng.choice(ODD_VALUES))
        elif kind == 4:
            place = rng.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + rng.choice("\x00\x1b\"'[]{}#=:\\\u202e☃\t,") + lines[at][place:]
        else:
            lines[at], lines[-1] = lines[-1], lines[at]
    return "\n".join(lines)


def change_node(rng: random.Random, node: Any) -> Any:
    """Put an odd value in the place of one somewhere inside of tables and lists, or take it out."""
    if not isinstance(node, (dict, list)) or not node or rng.random() < 0.15:
        return rng.choice(ODD_VALUES)
    if isinstance(node, list):
        at = rng.randrange(len(node))
        return [*node[:at], change_node(rng, node[at]), *node[at + 1 :]]
    key = rng.choice(list(node))
    if rng.random() < 0.15:
        return {name: value for name, value in node.items() if name != key}
    if rng.random() < 0.1:
        return {**node, rng.choice(("", "\x1b[31m", "unknown", "a.b", "é" * 300)): rng.choice(ODD_VALUES)}
    return {**node, key: change_node(rng, node[key])}


def odd_array(rng: random.Random, like: Array) -> Array:
    """Give an array that is not what another one was: its shape, its kind or its values are odd."""
    values = np.random.default_rng(rng.randrange(2**32))
    like = like if like.dtype.kind in "biufc" else np.zeros(like.shape)
    kinds = (
        lambda: like[..., :0] if like.ndim else np.zeros((0, 3)),
        lambda: like[np.newaxis],
        like.ravel,
        lambda: like.astype(np.complex128) * (1 + 1j),
        lambda: like.astype("U8"),
        lambda: like.astype("S3"),
        lambda: like.real.astype(np.float64) * np.nan,
        lambda: np.where(values.random(like.shape) < 0.1, np.inf, like.real),
        lambda: -like.real.astype(np.float64) * 1e300,
        lambda: np.zeros_like(like),
        lambda: like.astype(bool),
        lambda: np.zeros((1, 2, 3, 4, 5, 6)),
        lambda: np.float32(3.0) * np.ones(()),
        lambda: np.array("\x1b[31m\u202e<b>"),
        lambda: like.real.astype(np.float64).astype("M8[s]"),
        lambda: like.real.astype(np.longdouble),
        lambda: np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
        lambda: like.real.astype(np.float16),
        lambda: np.full(like.shape, np.iinfo(np.int64).max),
        lambda: np.full(like.shape, np.finfo(np.float64).max),
        lambda: np.repeat(like.reshape(1, -1), 3, axis=0),
        lambda: like[::-1, ...] if like.ndim else like,
        lambda: np.zeros((5000, 0, 5000)),
    )
    with np.errstate(all="ignore"):
        return np.asarray(rng.choice(kinds)())


def npy_bytes(array: Array) -> bytes:
    """Write an array in numpy's format."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def odd_npy(rng: random.Random, content: bytes) -> bytes:
    """Write an NPY file with an odd header, version or length before its content."""
    text = rng.choice(ODD_HEADERS).encode() + b"\n"
    version = rng.choice(((1, 0), (2, 0), (3, 0), (9, 9)))
    length = struct.pack("<H" if version == (1, 0) else "<I", rng.choice((len(text), len(text), 0, 65535)))
    return b"\x93NUMPY" + bytes(version) + length + text + content[128:]


def npz_bytes(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Pack members as an NPZ archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def zeros_npy(count: int) -> bytes:
    """Write so many zeros, which shrink to nearly nothing, in numpy's format."""
    return npy_bytes(np.zeros(count, np.int64))

"""Read the one string of a pickled zero-dimensional object array without unpickling.

Older programs store JSON text as ``np.array(text, dtype=object)``, which numpy writes as a pickle. The
opcodes are compared one by one with those that numpy itself writes for such an array: whatever differs in
anything but the text is refused, and no opcode is ever executed.
"""

import pickle
import pickletools
import warnings

import numpy as np

__all__ = ["read_pickled_text"]

Operation = tuple[str, object]

SAMPLE = "text"
PROTOCOLS = (2, 3, 4, 5)
BOOKKEEPING = {"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT"}
"""Opcodes that neither build nor change a value."""
RENAMED = ("numpy._core.multiarray", "numpy.core.multiarray")
"""The module that numpy 1 names in its pickles is another in numpy 2."""
TEXT = "UNICODE"


def read_pickled_text(content: bytes) -> str | None:
    """Return the text of a pickle that is numpy's for one string, or None for every other pickle."""
    try:
        operations = _operations(content)
    except ValueError:
        return None
    for protocol in PROTOCOLS:
        text = _match(operations, _of_text(SAMPLE, protocol))
        if text is not None:
            return text
    # A text such as "|" that the dtype's own state holds too is written once and then referred to.
    for name, argument in operations:
        if name == TEXT and isinstance(argument, str):
            alike = (_of_text(argument, protocol) for protocol in PROTOCOLS)
            if any(_canonical(operations) == _canonical(expected) for expected in alike):
                return argument
    return None


def _of_text(text: str, protocol: int) -> list[Operation]:
    return _operations(pickle.dumps(np.array(text, dtype=object), protocol=protocol))


def _operations(content: bytes) -> list[Operation]:
    with warnings.catch_warnings():
        # Strings of the oldest protocol may hold odd escapes; they are no part of numpy's pickles.
        warnings.simplefilter("ignore", DeprecationWarning)
        operations = [(code.name, argument) for code, argument, _ in pickletools.genops(content)]
    return [_plain(name, argument) for name, argument in operations if name not in BOOKKEEPING]


def _plain(name: str, argument: object) -> Operation:
    return (TEXT if name.endswith((TEXT, f"{TEXT}8")) else name), argument


def _match(operations: list[Operation], expected: list[Operation]) -> str | None:
    """Return what stands in place of the sample text when nothing else differs."""
    if len(operations) != len(expected):
        return None
    where = expected.index((TEXT, SAMPLE))
    name, text = operations[where]
    rest = [*operations[:where], *operations[where + 1 :]]
    same = _canonical(rest) == _canonical([*expected[:where], *expected[where + 1 :]])
    return text if same and name == TEXT and isinstance(text, str) else None


def _canonical(operations: list[Operation]) -> list[Operation]:
    """Spell the module that numpy 2 renamed as numpy 1 did."""
    return [
        (name, argument.replace(*RENAMED) if isinstance(argument, str) else argument)
        for name, argument in operations
    ]

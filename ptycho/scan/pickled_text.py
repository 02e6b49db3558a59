"""Read the one string of a pickled zero-dimensional object array without unpickling.

Older programs store JSON text as ``np.array(text, dtype=object)``, which numpy writes as a pickle. The
opcodes are compared one by one with those that numpy itself writes for such an array: whatever differs in
anything but the text is refused, and no opcode is ever executed.
"""

import pickle
import pickletools

import numpy as np

__all__ = ["read_pickled_text"]

Operation = tuple[str, object]

SAMPLE = "text"
PROTOCOLS = (2, 3, 4, 5)
BOOKKEEPING = {"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT"}
"""Opcodes that neither build nor change a value."""
MODULE_OF_RECONSTRUCT = {"numpy.core.multiarray", "numpy._core.multiarray"}
"""numpy 2 renamed the module that numpy 1 writes into its pickles."""
TEXT = "UNICODE"


def read_pickled_text(content: bytes) -> str | None:
    """Return the text of a pickle that is numpy's for one string, or None for every other pickle."""
    try:
        operations = _operations(content)
    except ValueError:
        return None
    for protocol in PROTOCOLS:
        expected = _operations(pickle.dumps(np.array(SAMPLE, dtype=object), protocol=protocol))
        text = _match(operations, expected)
        if text is not None:
            return text
    return None


def _operations(content: bytes) -> list[Operation]:
    found = [(code.name, argument) for code, argument, _ in pickletools.genops(content)]
    return [_plain(name, argument) for name, argument in found if name not in BOOKKEEPING]


def _plain(name: str, argument: object) -> Operation:
    if name == "GLOBAL" and isinstance(argument, str):
        module, _, attribute = argument.partition(" ")
        return name, f"{_canonical(module)} {attribute}"
    if name.endswith((TEXT, f"{TEXT}8")):
        return TEXT, _canonical(argument)
    return name, argument


def _canonical(argument: object) -> object:
    return "numpy" if argument in MODULE_OF_RECONSTRUCT else argument


def _match(found: list[Operation], expected: list[Operation]) -> str | None:
    if len(found) != len(expected):
        return None
    text: str | None = None
    for operation, model in zip(found, expected, strict=True):
        if model == (TEXT, SAMPLE) and operation[0] == TEXT and isinstance(operation[1], str):
            text = operation[1]
        elif operation != model:
            return None
    return text

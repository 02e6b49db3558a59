"""The errors that several rooms raise or catch."""

from __future__ import annotations

import pickle

import pytest

from ptycho.errors import BackendError, ScanError
from ptyconf.errors import error_text


@pytest.mark.parametrize("kind", [BackendError, ScanError])
def test_an_error_survives_pickling(kind: type[Exception]) -> None:
    """Errors cross process boundaries with their text."""
    error = pickle.loads(pickle.dumps(kind(error_text("bad", hint="good"))))
    assert (type(error), str(error)) == (kind, "bad\n  try  good")

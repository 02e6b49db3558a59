"""MATLAB files of version 5: numerical arrays by name, and one clear error for what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.io import savemat

from ptycho.errors import ScanError
from ptycho.files import matlab
from ptycho.files.matlab import MatFile

NUMBERS = st.sampled_from(["f8", "f4", "u2", "i4", "c16", "u1"]).map(np.dtype)
ARRAYS = NUMBERS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=2, max_side=4)))


@pytest.fixture(autouse=True)
def unforked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the child that tries a file first, but where it is what is tested: it costs a second."""
    if "child" not in request.node.name:
        monkeypatch.setattr(matlab, "_require_survivable", lambda _path: None)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), ARRAYS, min_size=1, max_size=3))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read(tmp_path: Path, content: dict[str, Any]) -> None:
    """Every numerical array comes back under its name, bit for bit, in MATLAB's order of axes."""
    path = tmp_path / "scan.mat"
    savemat(path, content)
    file = MatFile(path)
    assert set(file.keys) == set(content)
    for name, array in content.items():
        np.testing.assert_array_equal(file.read(name), array)


def test_fields_of_structures_are_keys(tmp_path: Path) -> None:
    """A field stands below its structure, however deep; texts and cells are no arrays."""
    path = tmp_path / "scan.mat"
    cells = np.array([np.eye(2), "text"], dtype=object)
    savemat(path, {"p": {"lambda": 1.5, "geometry": {"z": [[2.0, 3.0]]}, "name": "text"}, "c": cells})
    file = MatFile(path)
    assert sorted(file.keys) == ["p/geometry/z", "p/lambda"]
    np.testing.assert_array_equal(file.read("p/geometry/z"), [[2.0, 3.0]])


def test_structures_without_end_are_not_followed(tmp_path: Path) -> None:
    """What lies deeper than anybody writes is left out."""
    nested: Any = 1.0
    for _ in range(matlab.DEEPEST + 3):
        nested = {"a": nested}
    path = tmp_path / "scan.mat"
    savemat(path, {"a": nested, "b": 2.0})
    assert MatFile(path).keys == ("b",)


def test_an_absent_key_is_named(tmp_path: Path) -> None:
    """The error lists what is there."""
    path = tmp_path / "scan.mat"
    savemat(path, {"frames": np.eye(2)})
    with pytest.raises(ScanError, match="there is no 'probe' in") as caught:
        MatFile(path).read("probe")
    assert "frames" in str(caught.value)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_a_cut_file_is_refused(tmp_path: Path, kept: float) -> None:
    """A copy that broke off is one error, wherever that was."""
    path = tmp_path / "scan.mat"
    savemat(path, {"frames": np.random.default_rng(0).random((20, 20))})
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ScanError, match=r"scan\.mat cannot be read as a MATLAB file"):
        MatFile(path)


def test_a_child_that_is_ended_by_its_reader_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that brings scipy's compiled reader down ends a child of ours, and is refused."""
    path = tmp_path / "scan.mat"
    path.write_bytes(b"")
    monkeypatch.setattr(matlab, "_TRIAL", "import os; os.abort()")
    with pytest.raises(ScanError, match=r"its reader was ended by signal 6"):
        MatFile(path)

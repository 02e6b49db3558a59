"""The legacy dict: a plain mapping that knows who wrote what."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho import params
from ptycho.config.config import ModelConfig, TrainingConfig, update_legacy_dict
from ptycho.settings import legacy_dict


@pytest.fixture(autouse=True)
def fresh_params() -> Iterator[None]:
    """Give every test the legacy dict of a new process, and leave one behind."""
    reset()
    yield
    reset()


def reset() -> None:
    """Put the dict back to what the module starts with."""
    params.unseal()
    params.cfg.clear()
    dict.update(params.cfg, legacy_dict.DEFAULTS)


def line() -> int:
    """Tell the caller's line."""
    return sys._getframe(1).f_lineno


def test_it_starts_with_the_defaults_unpopulated() -> None:
    """A new process reads the defaults of the contract and knows that nobody confirmed them."""
    code = "from ptycho import params; print(params.get('N'), params.is_populated(), params.is_sealed())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "128 False False\n"


def test_a_missing_key_is_a_key_error() -> None:
    """There is no default to hide behind."""
    with pytest.raises(KeyError, match="no_such_key"):
        params.get("no_such_key")


@given(N=st.integers(1, 512), gridsize=st.integers(1, 5), offset=st.integers(0, 20), jitter=st.integers(0, 9))
def test_sizes_follow_from_the_grid(N: int, gridsize: int, offset: int, jitter: int) -> None:
    """The computed sizes obey their definitions."""
    params.cfg.update(N=N, gridsize=gridsize, offset=offset, max_position_jitter=jitter)
    assert params.get("bigN") == params.params()["bigN"] == N + (gridsize - 1) * offset
    assert params.get_padding_size() == (gridsize - 1) * offset + jitter
    assert params.get_padded_size() == params.get("bigN") + jitter


def test_a_cleared_and_populated_dict_has_a_canvas() -> None:
    """Lengths that no configuration holds keep their defaults when the dict was emptied."""
    params.cfg.clear()
    assert params.params() == {}
    with pytest.raises(KeyError, match="N"):
        params.get("bigN")
    update_legacy_dict(params.cfg, TrainingConfig(model=ModelConfig(N=64, gridsize=3)))
    assert params.get("bigN") == params.params()["bigN"] == 64 + 2 * 4
    assert (params.get_padding_size(), params.get_padded_size()) == (18, 82)


def test_params_is_a_copy() -> None:
    """What is done to the copy stays in the copy."""
    params.params()["N"] = 1
    assert params.get("N") == 128


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        (
            "data_source",
            "moon",
            (
                "Invalid data source: 'moon'; expected one of ['V', 'diagonals', 'experimental', 'generic', "
                "'grf', 'lines', 'points', 'testimg', 'xpp']"
            ),
        ),
        ("realspace_mae_weight", 0.5, "realspace_mae_weight = 0.5 needs realspace_weight > 0, got 0.0"),
    ],
)
def test_a_refused_value_changes_nothing(key: str, value: Any, text: str) -> None:
    """An inconsistent value is refused before it is written."""
    before = dict(params.cfg)
    with pytest.raises(AssertionError) as caught:
        params.set(key, value)
    assert str(caught.value) == text
    assert dict(params.cfg) == before


def test_validation_looks_at_present_keys_only() -> None:
    """An emptied dict is valid."""
    params.cfg.clear()
    params.validate()
    params.set("N", 64)
    params.cfg["realspace_mae_weight"] = 1.0
    with pytest.raises(AssertionError, match="needs realspace_weight > 0, got None"):
        params.validate()


WRITES: list[Callable[[], object]] = [
    lambda: params.set("label", "x"),
    lambda: params.cfg.__setitem__("label", "x"),
    lambda: params.cfg.update(label="x"),
    lambda: params.cfg.__ior__({"label": "x"}),
    lambda: (params.cfg.pop("label"), params.cfg.setdefault("label", "x")),
]


@pytest.mark.parametrize("write", WRITES, ids=range(len(WRITES)))
def test_every_way_of_writing_names_its_line(write: Callable[[], object]) -> None:
    """File and line of the last writer are remembered, however it wrote."""
    assert params.writer("label") is None
    write()
    assert params.writer("label") == f"{__file__}:{write.__code__.co_firstlineno}"
    assert params.cfg["label"] == "x"


@pytest.mark.parametrize(
    "remove",
    [lambda: params.cfg.__delitem__("N"), lambda: params.cfg.pop("N"), params.cfg.popitem],
    ids=["del", "pop", "popitem"],
)
def test_a_removed_key_has_no_writer(remove: Callable[[], object]) -> None:
    """What is gone was written by nobody."""
    params.cfg.pop("N")
    params.set("N", 64)
    remove()
    assert "N" not in params.cfg
    assert params.writer("N") is None


def test_a_sealed_write_is_told_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    """After sealing a write goes through, and a warning names it, its line and the earlier writer."""
    params.set("N", 64)
    first = line() - 1
    params.seal()
    with caplog.at_level(logging.WARNING, logger="ptycho.params"):
        params.set("N", 256)
    (record,) = caplog.records
    here = f"{__file__}:{line() - 2}"
    assert record.getMessage() == (
        f"post-seal write of params.cfg['N'] at {here} (written before at {__file__}:{first})"
    )
    assert params.get("N") == 256


@pytest.mark.parametrize("key", ["intensity_scale", "probe", "timestamp"])
def test_three_keys_stay_writable(key: str, caplog: pytest.LogCaptureFixture) -> None:
    """What a run finds out may be written after sealing."""
    params.seal()
    params.set(key, 1.0)
    assert not caplog.records


def test_unsealed_writes_are_silent(caplog: pytest.LogCaptureFixture) -> None:
    """Taking the seal off ends the warnings."""
    params.seal()
    params.unseal()
    params.set("N", 64)
    assert not caplog.records


def test_a_sealed_update_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """A configuration that replaces a sealed one names what it changes, once; the same one, nothing."""
    config = TrainingConfig(model=ModelConfig(N=64))
    update_legacy_dict(params.cfg, config)
    params.seal()
    update_legacy_dict(params.cfg, config)
    before = f"{__file__}:{line() - 1}"
    assert not caplog.records
    config.model.N, config.nepochs = 256, 7
    update_legacy_dict(params.cfg, config)
    here = f"{__file__}:{line() - 1}"
    (record,) = caplog.records
    assert record.getMessage() == (
        f"post-seal update of params.cfg at {here} (changed: N, nepochs; written before at {before})"
    )


UNPOPULATED = """\
CONFIG-001: generate_grouped_data would read 'gridsize' from params.cfg, which no configuration has populated
  expected  update_legacy_dict(params.cfg, config) before any data helper
  try       from ptycho.config.config import update_legacy_dict; update_legacy_dict(params.cfg, config)"""


def test_reading_defaults_is_refused() -> None:
    """CONFIG-001: a data helper that would read what nobody confirmed says which call is missing."""
    with pytest.raises(params.UnpopulatedError) as caught:
        params.require_populated("generate_grouped_data", "gridsize")
    assert str(caught.value) == UNPOPULATED


def test_an_update_populates_and_clearing_undoes_it() -> None:
    """A configuration populates the dict; clearing it takes the mark away."""
    update_legacy_dict(params.cfg, TrainingConfig(model=ModelConfig(gridsize=3)))
    params.require_populated("a data helper", "gridsize")
    params.cfg.clear()
    with pytest.raises(params.UnpopulatedError, match="a data helper would read it from"):
        params.require_populated("a data helper")


def test_keys_written_one_by_one_count() -> None:
    """A program that sets a key itself has said what it wants of that key."""
    params.set("gridsize", 2)
    params.require_populated("a data helper", "gridsize")
    with pytest.raises(params.UnpopulatedError, match="'gridsize', 'N'"):
        params.require_populated("a data helper", "gridsize", "N")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_copies_are_plain_dicts(duplicate: Callable[[Any], Any]) -> None:
    """The knowledge about writers belongs to the one dict of the process."""
    assert type(duplicate(params.cfg)) is dict
    assert duplicate(params.cfg) == params.cfg


def test_printing_shows_values_and_writers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every key is shown; arrays by shape, written keys with their place."""
    import numpy as np

    monkeypatch.chdir(Path(__file__).parent)
    params.cfg.clear()
    params.cfg.update(probe=np.ones((2, 2)), N=64)
    params.print_params()
    here = f"test_params.py:{line() - 2}"
    assert capsys.readouterr().out == f"N = 64   # {here}\nprobe = array (2, 2) float64   # {here}\n"


def test_importing_it_imports_no_framework() -> None:
    """Reading one number costs no framework, and no numpy."""
    code = (
        "import sys, ptycho.params\n"
        "sys.exit(bool({'torch', 'tensorflow', 'keras', 'numpy', 'attrs'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Variables that lack an underscore are told, and those of other programs are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.settings.environment import likely_slips
from ptycho.settings.schema import schema


@given(st.sampled_from(sorted(schema.settings)))
def test_a_missing_underscore_is_noticed(path: str) -> None:
    """Every setting's variable with single underscores points to the one that is read."""
    slip = f"PTYCHO_{path.replace('.', '_')}".upper()
    assert likely_slips({slip: "1"}) == {slip: f"PTYCHO__{path.replace('.', '__')}".upper()}


@pytest.mark.parametrize("name", ["PTYCHO_HOME", "PTYCHO_SHARED_DATA", "PTYCHO", "PTYCHO__TRAINING__NEPOCHS"])
def test_other_variables_are_left_alone(name: str) -> None:
    """What is no setting but for underscores, or is one already, is nobody's slip."""
    assert likely_slips({name: "1"}) == {}


def test_a_bare_name_is_a_slip_too() -> None:
    """PTYCHO_NEPOCHS is most likely the epochs of a training."""
    assert likely_slips({"PTYCHO_NEPOCHS": "3"}) == {"PTYCHO_NEPOCHS": "PTYCHO__TRAINING__NEPOCHS"}

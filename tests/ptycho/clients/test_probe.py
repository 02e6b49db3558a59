"""The probe that a client sets."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho import params, probe
from ptycho.config.config import ModelConfig, update_legacy_dict
from ptycho.errors import ScanError

pytestmark = pytest.mark.usefixtures("new_process")


@pytest.mark.parametrize("shape", [(64, 64), (3, 64, 64)])
def test_the_probe_is_kept_as_it_is(shape: tuple[int, ...]) -> None:
    """Clients find it in params.cfg, in their own scale, also where that is sealed."""
    update_legacy_dict(params.cfg, ModelConfig(N=64))
    params.seal()
    given = np.full(shape, 2.5 + 1j)
    probe.set_probe_guess(None, given)
    np.testing.assert_array_equal(params.get("probe"), given)
    np.testing.assert_array_equal(probe.current(), given)


def test_nobody_has_to_set_one() -> None:
    """Before, there is none."""
    assert probe.current() is None


def test_a_probe_of_another_size_is_refused() -> None:
    """The error tells both sizes and who wrote the other."""
    update_legacy_dict(params.cfg, ModelConfig(N=64))
    with pytest.raises(ValueError, match="probe_guess is 32 x 32") as caught:
        probe.set_probe_guess(None, np.ones((32, 32), complex))
    assert str(caught.value) == (
        "probe_guess is 32 x 32 pixels, and params.cfg says N = 64\n"
        f"  written in  {params.writer('N')}\n"
        "  expected    a probe on the grid of the frames, 64 x 64\n"
        "  try         the probe of this scan, or model.N = 32 where the frames are of that size"
    )
    assert probe.current() is None


def test_what_is_no_probe_is_refused() -> None:
    """A dark one lights nothing."""
    with pytest.raises(ScanError, match="is dark"):
        probe.set_probe_guess(None, np.zeros((64, 64), complex))


def test_diffraction_alone_makes_no_probe() -> None:
    """The first argument cannot stand in for the second."""
    with pytest.raises(ValueError, match="there is no probe") as caught:
        probe.set_probe_guess(np.ones((3, 64, 64, 1)))
    assert str(caught.value) == (
        "there is no probe, and diffraction alone does not tell it\n"
        "  expected  complex modes, shape (N, N) or (P, N, N)\n"
        "  try       set_probe_guess(None, scan.probeGuess)"
    )

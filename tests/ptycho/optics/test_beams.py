"""Probes: unit energy, centred, confined to the frame and to the detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.commands.main import main
from ptycho.errors import ScanError
from ptycho.optics.kind import ProbeKind
from ptycho.optics.model import draw_beam
from ptycho.physics.fourier import propagate
from ptycho.settings.registries import PROBES


@pytest.mark.parametrize("N", [32, 64, 128])
@pytest.mark.parametrize("name", list(PROBES))
def test_beam_is_confined(name: str, N: int) -> None:
    """Unit energy, centred on [N/2, N/2], and dark at the edges of frame and detector."""
    beam = draw_beam(name, N)
    energy = np.abs(beam) ** 2
    assert energy.sum() == pytest.approx(1.0)
    index = np.arange(N) - N // 2
    assert energy.sum(axis=0) @ index == pytest.approx(0.0, abs=0.02 * N)
    assert energy.sum(axis=1) @ index == pytest.approx(0.0, abs=0.02 * N)
    inside = slice(N // 16, -(N // 16))
    assert energy[inside, inside].sum() > 0.99
    assert (np.abs(propagate(beam)) ** 2)[inside, inside].sum() > 0.99


def test_unknown_beam_names_the_known() -> None:
    """A probe that does not exist is refused with those that do."""
    with pytest.raises(ScanError) as caught:
        draw_beam("laser", 64)
    assert str(caught.value) == (
        'there is no probe "laser"\n'
        "  known here  electron_lens, gaussian, pinhole, zone_plate\n"
        '  try         probe = "zone_plate"'
    )


def test_a_beam_brought_along_is_offered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A probe added at run time is a choice of the command line, which scans with it at unit energy."""
    PROBES.add("square", ProbeKind("a square slit", lambda N: np.pad(np.ones((N // 2,) * 2), N // 4)))
    try:
        assert draw_beam("square", 32)[16, 16] == pytest.approx(1 / 16)
        options = ["--probe", "square", "--N", "32", "--n-frames", "4", "--quiet"]
        assert main(["simulate", str(tmp_path / "scan.npz"), *options]) == 0
    finally:
        PROBES.remove("square")
    assert main(["simulate", str(tmp_path / "scan.npz"), *options]) == 2
    assert "invalid choice: 'square'" in capsys.readouterr().err

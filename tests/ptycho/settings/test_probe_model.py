"""`data.probe_model`: its provenance, its refusals with the likely unit, and what is written beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptycho.run.resolve import resolve_run
from ptycho.settings.data import ScanOptions
from ptycho.settings.effect import settings_without_effect
from ptyconf import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

PLATE = """\
[data.probe_model]
kind = "zone_plate"
diameter_m = 180e-6
outer_zone_width_m = 50e-9
"""


@pytest.fixture
def file(jail: Path) -> Path:
    """Write a model of a zone plate in an empty folder."""
    path = jail / "beam.toml"
    path.write_text(PLATE)
    return path


def test_every_number_has_its_story(file: Path) -> None:
    """Each number is a setting of its own: a variable beats one of the file, the others stay."""
    environment = {
        "PTYCHO__DATA__PROBE_MODEL__DEFOCUS_M": "2e-4",
        "PTYCHO__DATA__PROBE_MODEL__DIAMETER_M": "1e-4",
    }
    resolution = resolve_run("train", files=[file], environment=environment)
    model = resolution.build(ScanOptions).probe_model
    assert (model.kind, model.diameter_m, model.defocus_m) == ("zone_plate", 1e-4, 2e-4)
    trace = resolution.trace("data.probe_model.diameter_m")
    assert trace.winner.origin is not None
    assert str(trace.winner.origin) == "PTYCHO__DATA__PROBE_MODEL__DIAMETER_M"
    assert [str(loser.origin) for loser in trace.losers if loser.value == 180e-6] == [
        f"{file.name}:3:1 data.probe_model.diameter_m"
    ]


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("diameter_m", 180.0, "diameter_m = 0.00018, if the number is in micrometres"),
        ("outer_zone_width_m", 50, "outer_zone_width_m = 5e-08, if the number is in nanometres"),
        ("defocus_m", -300.0, "defocus_m = -0.0003, if the number is in micrometres"),
        ("spherical_aberration_m", 1.2, "spherical_aberration_m = 0.0012, if the number is in mm"),
        ("semi_angle_rad", 21.4, "semi_angle_rad = 0.0214, if the number is in milliradians"),
        ("distance_m", 5.0, "distance_m = 0.005, if the number is in mm"),
    ],
)
def test_an_absurd_number_tells_its_unit(file: Path, name: str, value: float, hint: str) -> None:
    """A number that no optic has is refused with the unit in which it would be one."""
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", files=[file], overrides={f"data.probe_model.{name}": value})
    first, *more = str(caught.value).split("\n\n")[0].splitlines()
    assert first.startswith(f"{name} = {value}")
    assert more[-1] == f"  try         {hint}"


@pytest.mark.parametrize(
    ("overrides", "text", "hint"),
    [
        (
            {"kind": "pinhole"},
            "a pinhole has no outer_zone_width_m",
            "data.probe_model.outer_zone_width_m = none",
        ),
        (
            {"diameter_m": None},
            "the model of a zone plate lacks diameter_m",
            "data.probe_model.diameter_m = 180e-6",
        ),
        (
            {"kind": "electron_lens", "diameter_m": None, "outer_zone_width_m": None},
            "the model of an electron lens lacks semi_angle_rad",
            "data.probe_model.semi_angle_rad = 0.02",
        ),
        ({"kind": "zoneplate"}, "kind = zoneplate is no optic that is known here", 'kind = "zone_plate"'),
    ],
)
def test_numbers_belong_to_their_optic(
    file: Path, overrides: dict[str, object], text: str, hint: str
) -> None:
    """What an optic lacks, what another one has, and an optic that nobody knows are refused."""
    written = {f"data.probe_model.{name}": value for name, value in overrides.items()}
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", files=[file], overrides=written)
    first, *more = str(caught.value).split("\n\n")[0].splitlines()
    assert (first, more[-1].split(maxsplit=1)) == (text, ["try", hint])


def test_one_probe_is_written(file: Path) -> None:
    """A model beside the file of a probe is refused: both say what the probe is."""
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", files=[file], overrides={"data.probe": "probe.npz"})
    assert str(caught.value).splitlines()[0] == (
        "data.probe_model.kind and data.probe both say what the probe is"
    )


def test_a_number_without_an_optic_is_said(file: Path) -> None:
    """Taking the optic away takes the model away; the numbers that stay have nothing to act on."""
    resolution = resolve_run("train", files=[file], overrides={"data.probe_model.kind": None})
    assert resolution.build(ScanOptions).probe_model.kind is None
    notes = settings_without_effect("train", resolution)
    assert "data.probe_model.diameter_m has nothing to act on: data.probe_model.kind is not set" in notes

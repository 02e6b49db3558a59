"""Section `data.probe_model`: the probe by the name of its optic and by numbers, one line a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ptycho.settings.checks import Check, above_zero, angle_rad, length_m, way_m
from ptycho.settings.conditions import where
from ptycho.settings.field import Across, described
from ptycho.settings.registries import PROBES
from ptyconf import Complaint

__all__ = ["ProbeModel"]

_SECTION = "data.probe_model"
_KIND = f"{_SECTION}.kind"
_FILE = "data.probe"


def _known_to_kind(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    """Refuse a number that the optic does not know."""
    kind, name = settings[_KIND], path.rpartition(".")[2]
    known = _numbers_of(kind)
    if settings[path] is None or kind is None or name in known:
        return None
    return Complaint(
        f"{_with_article(kind)} has no {name}",
        expected=", ".join(known) or "no numbers at all",
        hint=f"{path} = none",
    )


def _is_complete(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    """Refuse an optic without the numbers that it needs, or beside a probe in a file."""
    name = settings[path]
    kind: Any = None if name is None else PROBES.get(name)
    if kind is None:
        return None
    if kind.build is None:
        return Complaint(f'"{name}" has no model by numbers', expected=", ".join(_with_numbers()))
    if settings.get(_FILE) is not None:
        return Complaint(
            f"{path} and {_FILE} both say what the probe is", expected="one of them", hint=f"{_FILE} = none"
        )
    missing = [number for number in kind.needs if settings[f"{_SECTION}.{number}"] is None]
    if not missing:
        return None
    return Complaint(
        f"the model of {_with_article(name)} lacks {' and '.join(missing)}",
        expected=", ".join(kind.needs) + "".join(f", perhaps {number}" for number in kind.takes),
        hint=f"{_SECTION}.{missing[0]} = {_EXAMPLES[missing[0]]}",
    )


def _numbers_of(name: str | None) -> tuple[str, ...]:
    kind: Any = None if name is None else PROBES.get(name)
    return () if kind is None else (*kind.needs, *kind.takes)


def _with_numbers() -> list[str]:
    kinds: dict[str, Any] = {name: PROBES.get(name) for name in PROBES}
    return [name for name, kind in kinds.items() if kind.build is not None]


def _with_article(name: str) -> str:
    words = name.replace("_", " ")
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def _number(example: str, checks: tuple[Check, ...], *, help: str, unit: str) -> Any:  # noqa: A002
    return described(
        None,
        help=help,
        unit=unit,
        check=checks,
        across=Across((_KIND,), _known_to_kind, "a number of the optic"),
        without_effect=where(_KIND, None),
        legacy=False,
        example=float(example),
    )


def _size_m(limits: tuple[float, float], example: str, help: str) -> Any:  # noqa: A002
    """Declare a length that is above 0."""
    return _number(
        example, (above_zero(example, optional=True), length_m(*limits, example)), help=help, unit="m"
    )


def _way_m(largest: float, example: str, help: str) -> Any:  # noqa: A002
    """Declare a way along the beam, in either direction."""
    return _number(example, (way_m(largest, example),), help=help, unit="m")


_EXAMPLES = {
    "diameter_m": "180e-6",
    "outer_zone_width_m": "50e-9",
    "width_m": "300e-9",
    "semi_angle_rad": "0.02",
}


@dataclass
class ProbeModel:
    """The probe by the name of its optic and by numbers, in place of one in a file."""

    kind: str | None = described(
        None,
        help="optic that makes the probe, in place of a probe in a file",
        choices=PROBES,
        check=Check(
            lambda v: v is None or (isinstance(v, str) and v in PROBES),
            "{name} = {v} is no optic that is known here",
            "one of {sorted}",
            '"zone_plate"',
            legal=PROBES,
        ),
        across=Across(
            (_FILE, *(f"{_SECTION}.{name}" for name in _EXAMPLES)),
            _is_complete,
            "the numbers that the optic needs",
        ),
        legacy=False,
        example="zone_plate",
    )
    diameter_m: float | None = _size_m(
        (1e-7, 1.5e-3), "180e-6", "diameter of the zone plate or of the pinhole"
    )
    outer_zone_width_m: float | None = _size_m(
        (2e-9, 1e-6), "50e-9", "width of the zone plate's outermost zones"
    )
    stop_m: float | None = _size_m((1e-7, 1.5e-3), "60e-6", "diameter of the zone plate's central stop")
    defocus_m: float | None = _way_m(
        0.02, "200e-6", "how far behind its focus the beam hits the sample; negative before it"
    )
    distance_m: float | None = _size_m((1e-9, 1.0), "1e-3", "from the pinhole to the sample")
    width_m: float | None = _size_m(
        (1e-12, 2e-3), "300e-9", "full width at half maximum of the Gaussian beam's intensity, at its waist"
    )
    semi_angle_rad: float | None = _number(
        "0.02",
        (angle_rad(1e-5, 0.5, "0.02"),),
        help="half the opening angle of the electron lens",
        unit="rad",
    )
    spherical_aberration_m: float | None = _way_m(
        0.02, "1e-3", "third-order spherical aberration (C3) of the electron lens"
    )

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} = {value:g}" for name, value in self.numbers().items())
        return f"{_with_article(str(self.kind))} ({numbers})"

    def complaint(self) -> Complaint | None:
        """Say what is wrong with it first, where Python code wrote it; None where nothing is."""
        settings = {f"{_SECTION}.{item.name}": getattr(self, item.name) for item in fields(self)}
        for item in fields(self):
            path = f"{_SECTION}.{item.name}"
            checks: tuple[Check, ...] = item.metadata.get("checks", ())
            across: Across = item.metadata["across"]
            found = [check.complaint(item.name, settings[path]) for check in checks]
            if complaint := next(filter(None, [*found, across.check(path, settings)]), None):
                return complaint
        return None

    def numbers(self) -> dict[str, float]:
        """Give the numbers that are known, by name."""
        return {
            item.name: float(value)
            for item in fields(self)
            if item.name != "kind" and (value := getattr(self, item.name)) is not None
        }

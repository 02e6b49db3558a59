"""What makes a value legal, with the words for one that is not."""

from collections.abc import Callable, Collection, Mapping
from math import inf, pi
from typing import Any

from ptyconf import Complaint


class Check:
    """One condition on one value.

    In its texts `{name}` is the name of the field, `{v}` the value, `{sorted}` the list of legal names and
    `{either}` the same in words, as they are then: a registry may have grown.

    Args:
        holds: Tells whether a value is legal.
        wrong: First line of the message.
        expected: What is legal, in words.
        example: A legal value as TOML spells it.
        remedy: What else helps a run, where other settings do.
        legal: The legal names, where there is a list of them.
    """

    def __init__(
        self,
        holds: Callable[[Any], bool],
        wrong: str,
        expected: str,
        example: str,
        *,
        remedy: str = "",
        legal: Collection[Any] = (),
    ) -> None:
        self.holds = holds
        self.wrong = wrong
        self.expected = expected
        self.example = example
        self.remedy = remedy
        self.legal = legal

    def broken_by(self, value: object) -> bool:
        """Tell whether a value breaks the check; one of a type that cannot be compared does."""
        try:
            return not self.holds(value)
        except TypeError:
            return True

    def complaint(self, name: str, value: object) -> Complaint | None:
        """Say what is wrong with the value of a field, or None."""
        if not self.broken_by(value):
            return None
        legal = sorted("none" if one is None else str(one) for one in self.legal)
        names, either = str(legal), " or ".join(map(repr, reversed(legal)))
        return Complaint(
            self.wrong.format(name=name, v=value, sorted=names, either=either),
            expected=self.expected.format(sorted=names),
            hint=f"{name} = {self._legal_near(value) or self.example}",
        )

    def _legal_near(self, value: Any) -> str:
        """Spell the legal value that an illegal one looks like; "" where it looks like none."""
        near = _names_near(value, self.legal)
        return f'"{near[0]}"' if near else ""


def _names_near(value: object, legal: Collection[Any]) -> list[str]:
    from ptyconf.text.show import close_matches  # an error alone needs it

    names = [one for one in legal if isinstance(one, str)]
    return close_matches(value, names, count=1) if isinstance(value, str) else []


def among(legal: Collection[Any]) -> Callable[[Any], bool]:
    """Accept what is in a collection and of the same type there: True is no 1."""
    if isinstance(legal, tuple):
        return lambda v: any(v == one and type(v) is type(one) for one in legal)
    return lambda v: isinstance(v, str) and v in legal


def whole(value: Any) -> bool:
    """Tell whether a value is a whole number; numpy's are, yes and no are none."""
    return hasattr(value, "__index__") and not isinstance(value, bool)


def positive(example: str, *, optional: bool = False) -> Check:
    """Check a count."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or (whole(value) and value > 0)

    return Check(holds, "{name} must be positive, got {v}", "a whole number above 0", example)


def not_negative(example: str, *, optional: bool = False) -> Check:
    """Check a count, or a seed, that may be 0."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or (whole(value) and value >= 0)

    return Check(holds, "{name} must be non-negative, got {v}", "0 or a whole number above 0", example)


def count_or_auto(example: str) -> Check:
    """Check a count that may be 0, or that is left to the program."""

    def holds(value: Any) -> bool:
        return value == "auto" or (whole(value) and value >= 0)

    return Check(
        holds, "{name} must be non-negative, got {v}", 'a whole number from 0 on, or "auto"', example
    )


def above_zero(example: str, *, optional: bool = False) -> Check:
    """Check a finite quantity above 0."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or 0 < value < inf

    return Check(holds, "{name} must be positive, got {v}", "a number above 0", example)


_LENGTHS = {"mm": 1e-3, "micrometres": 1e-6, "nanometres": 1e-9, "angstrom": 1e-10, "picometres": 1e-12}
_ANGLES = {"milliradians": 1e-3, "degrees": pi / 180, "microradians": 1e-6}


class _Measured(Check):
    """A quantity whose size tells a wrong unit.

    Attributes:
        units: Other units of the quantity, in its own, the largest first.
    """

    units: Mapping[str, float] = _LENGTHS

    def complaint(self, name: str, value: object) -> Complaint | None:
        """Name the unit in which the number would be a quantity of that kind."""
        wrong = super().complaint(name, value)
        if wrong is None or not isinstance(value, int | float):
            return wrong
        likely = [(unit, size) for unit, size in self.units.items() if self.holds(value * size)]
        # The largest unit that fits is the most usual one: pixels in micrometres, wavelengths in nanometres.
        hint = (
            f"{name} = {value * likely[0][1]:.6g}, if the number is in {likely[0][0]}"
            if likely
            else wrong.hint
        )
        return Complaint(wrong.text, expected=wrong.expected, hint=hint)


class _Angle(_Measured):
    """An angle in radians."""

    units = _ANGLES


def length_m(smallest: float, largest: float, example: str) -> Check:
    """Check a length in metres that may be left out; one of an absurd size is in another unit."""
    return _Measured(
        lambda v: v is None or smallest <= v <= largest,
        "{name} = {v} is no such length in metres",
        f"{smallest:g} to {largest:g} m",
        example,
    )


class _OfEach(Check):
    """A check of a number that may be a few: each of them has to pass."""

    def __init__(self, one: Check) -> None:
        super().__init__(
            lambda v: all(map(one.holds, v)) if isinstance(v, tuple) else one.holds(v),
            one.wrong,
            one.expected,
            one.example,
        )
        self.one = one

    def complaint(self, name: str, value: object) -> Complaint | None:
        """Say what is wrong with the first of them that does not pass."""
        values = value if isinstance(value, tuple) else (value,)
        return next((wrong for each in values if (wrong := self.one.complaint(name, each))), None)


def of_each(check: Check) -> Check:
    """Check a number, or each of a few."""
    return _OfEach(check)


def way_m(farthest: float, example: str) -> Check:
    """Check a way in metres, to either side, that may be left out."""
    return _Measured(
        lambda v: v is None or abs(v) <= farthest,
        "{name} = {v} is no such way in metres",
        f"-{farthest:g} to {farthest:g} m",
        example,
    )


def angle_rad(smallest: float, largest: float, example: str) -> Check:
    """Check an angle in radians that may be left out; one of an absurd size is in another unit."""
    return _Angle(
        lambda v: v is None or smallest <= v <= largest,
        "{name} = {v} is no such angle in radians",
        f"{smallest:g} to {largest:g} rad",
        example,
    )


def from_zero(example: str, *, optional: bool = False) -> Check:
    """Check a finite quantity that may be 0."""

    def holds(value: Any) -> bool:
        return (optional and value is None) or 0 <= value < inf

    return Check(holds, "{name} must be non-negative, got {v}", "0 or a number above 0", example)


def share(example: str, *, whole_too: bool = True) -> Check:
    """Check a share, 0 to 1; the whole is a share too unless it is said not to be."""
    if whole_too:
        return Check(lambda v: 0 <= v <= 1, "{name} must be in [0,1], got {v}", "0 to 1", example)
    return Check(lambda v: 0 <= v < 1, "{name} must be in [0,1), got {v}", "0 or more, below 1", example)


def power_of_two(example: str) -> Check:
    """Check a count that is a power of 2."""
    return Check(
        lambda v: whole(v) and v > 0 and v & (v - 1) == 0,
        "{name} must be positive power of 2, got {v}",
        "1, 2, 4, 8, 16, ...",
        example,
    )


def choice(legal: Collection[Any], example: str, wrong: str = "") -> Check:
    """Check a name.

    Args:
        legal: The legal names; a registry is asked each time.
        example: One of them.
        wrong: The words of the contract for another name, where they differ from the usual ones.
    """
    usual = "Invalid {name}: '{v}'. Expected one of {sorted}."
    return Check(among(legal), wrong or usual, "one of {sorted}", f'"{example}"', legal=legal)


class _Names(Check):
    """A list of names."""

    def _legal_near(self, value: Any) -> str:
        """Correct the first name that looks like a legal one."""
        listed = value if isinstance(value, list | tuple) else ()
        unknown = [name for name in listed if name not in self.legal]
        near = next((near for name in unknown if (near := _names_near(name, self.legal))), [])
        return f'["{near[0]}"]' if near else ""


def names(legal: Collection[str], example: str) -> Check:
    """Check a list of names.

    Args:
        legal: The legal names; a registry is asked each time.
        example: One of them.
    """
    return _Names(
        lambda listed: isinstance(listed, list | tuple) and all(name in legal for name in listed),
        "{name} = {v} names what is not there",
        "names out of {sorted}",
        f'["{example}"]',
        legal=legal,
    )


class _WeightTable(Check):
    """A table from names to weights."""

    def _legal_near(self, value: Any) -> str:
        """Correct the first name that looks like a legal one."""
        unknown = [name for name in value if name not in self.legal] if isinstance(value, dict) else []
        near = next((near for name in unknown if (near := _names_near(name, self.legal))), [])
        return f"{{{near[0]} = 1.0}}" if near else ""


def weights_by_name(legal: Collection[str], what: str) -> Check:
    """Check a table of weights.

    Args:
        legal: The names that may have one; a registry is asked each time.
        what: What a name stands for, in the singular.
    """

    def holds(table: Any) -> bool:
        return all(name in legal and 0 <= weight < inf for name, weight in table.items())

    return _WeightTable(
        holds,
        f"{{name}} = {{v}} is no table of weights of a {what} each",
        "names out of {sorted}, with numbers from 0",
        "{}",
        legal=legal,
    )

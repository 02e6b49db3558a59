"""Numbers of frames as settings write them: "17", "0:4, 60", "140:", counted from 0."""

from __future__ import annotations

import re

__all__ = ["are_numbers", "listed_numbers", "written_numbers"]

_PART = re.compile(r"\s*(?P<first>-?\d+)?\s*(?P<range>:)?\s*(?P<stop>-?\d+)?\s*")


def are_numbers(text: str | None) -> bool:
    """Tell whether a text names numbers: whole ones and ranges "first:stop", with commas in between."""
    return text is None or all(map(_is_part, text.split(",")))


def listed_numbers(text: str | None, count: int) -> list[int]:
    """List the numbers that a text names among so many, each once, in order.

    Args:
        text: Numbers and ranges as Python slices them: negative ones count from the end, the stop is not
            in it; None names none.
        count: How many there are.

    Raises:
        IndexError: A number is not among them; says which.
    """
    listed: set[int] = set()
    for part in [] if text is None else text.split(","):
        match = _PART.fullmatch(part)
        first, stop = (
            None if match is None or match[name] is None else int(match[name]) for name in ("first", "stop")
        )
        if match is not None and match["range"]:
            listed.update(range(*slice(first, stop).indices(count)))
            continue
        number = first if first is not None else count
        if not -count <= number < count:
            raise IndexError(part.strip())
        listed.add(number % count)
    return sorted(listed)


def written_numbers(numbers: list[int]) -> str:
    """Write whole numbers of 0 and more as a setting names them, runs as ranges."""
    parts: list[str] = []
    ordered = sorted(set(numbers))
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at] != ordered[at - 1] + 1:
            first, last = ordered[start], ordered[at - 1]
            parts.append(f"{first}" if first == last else f"{first}:{last + 1}")
            start = at
    return ",".join(parts)


def _is_part(part: str) -> bool:
    match = _PART.fullmatch(part)
    return match is not None and (
        match["range"] is not None or (match["first"] is not None and match["stop"] is None)
    )

"""The one error of scan data, and the shape of its text."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["ScanError", "compose", "place"]


class ScanError(ValueError):
    """Scan data that cannot be used as it stands; the message says what to change."""


def compose(what: str, **lines: object) -> str:
    """Write one problem as a headline followed by indented, aligned lines.

    Args:
        what: What is wrong, with the value, the key and the file.
        lines: Label and text of each further line, in order; an underscore in a label reads as a space and
            a line that is None is left out.

    Returns:
        The text of the error.
    """
    kept = {label.rstrip("_").replace("_", " "): text for label, text in lines.items() if text is not None}
    return "\n".join([what, *_aligned(kept)])


def place(source: Path | None) -> str:
    """Name the file that data came from, or say that it was handed over in memory."""
    return str(source) if source is not None else "arrays in memory"


def _aligned(lines: Mapping[str, object]) -> list[str]:
    width = max(map(len, lines), default=0)
    return [f"  {label:<{width}}  {text}" for label, text in lines.items()]

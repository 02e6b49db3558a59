"""How much a file of unknown origin may claim: judged by its headers, before any memory is taken."""

from __future__ import annotations

from ptycho.errors import ScanError
from ptyconf.errors import error_text

__all__ = ["FREE_BYTES", "LARGEST_RATIO", "largest_claim", "require_plausible"]

FREE_BYTES = 64 * 2**20
"""What an array may claim however little of the file it takes: masks and empty frames shrink to nothing."""

LARGEST_RATIO = 200
"""Counts shrink up to a hundredfold where most pixels are empty; deflate ends at 1,032."""


def largest_claim(packed: int) -> int:
    """Give the most bytes that something may unpack to that takes ``packed`` bytes of a file."""
    return max(FREE_BYTES, LARGEST_RATIO * packed)


def require_plausible(where: str, claimed: int, packed: int) -> None:
    """Accept what a header claims in relation to what is there.

    Args:
        where: What claims it, for the message.
        claimed: Bytes that it would take in memory.
        packed: Bytes that it takes in the file.

    Raises:
        ScanError: It claims more than data shrink.
    """
    allowed = largest_claim(packed)
    if claimed > allowed:
        raise ScanError(
            error_text(
                f"{where} claims {claimed} bytes, and {packed} bytes of it are in the file",
                expected=f"at most {allowed} bytes",
                hint="the file as its program wrote it; uncompressed, where its frames are empty throughout",
            )
        )

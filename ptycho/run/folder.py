"""A run folder appears whole or not at all, and never in the place of an earlier one."""

from __future__ import annotations

import logging
import shutil
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Hand out ``TARGET.partial`` to write into; rename it to ``target`` when the block succeeds.

    An earlier folder at ``target`` is kept as ``TARGET.1``, ``TARGET.2`` and so on. When the block raises,
    the partial folder stays if a checkpoint in it can be resumed, and is removed otherwise.

    Args:
        target: The folder to make.

    Yields:
        The folder to write into; it exists and is empty.

    Raises:
        FileExistsError: ``target`` is a file.
        OSError: The parent folder cannot be written.
    """
    target = Path(target).absolute()
    if target.exists() and not target.is_dir():
        raise FileExistsError(
            error_text(
                f"{target} is a file",
                expected="a folder to write the run into, or a name that is free",
                hint="another output_dir",
            )
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _make_partial(target)
    try:
        yield partial
    except BaseException:
        if any(partial.rglob("*.ckpt")):
            _log.warning(
                "the run did not finish; what it reached is in %s (resume with --training.resume %s)",
                partial,
                partial,
            )
        else:
            shutil.rmtree(partial)
        raise
    if target.exists():
        earlier = _first_free(target, ".")
        target.rename(earlier)
        _log.info("the earlier run is kept as %s", earlier)
    partial.rename(target)


def _make_partial(target: Path) -> Path:
    for number in count(1):
        suffix = ".partial" if number == 1 else f".partial-{number}"
        partial = target.with_name(target.name + suffix)
        try:
            partial.mkdir()
        except FileExistsError:
            continue
        return partial
    raise AssertionError("count() does not end")


def _first_free(target: Path, separator: str) -> Path:
    numbered = (target.with_name(f"{target.name}{separator}{number}") for number in count(1))
    return next(path for path in numbered if not path.exists())

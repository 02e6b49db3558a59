"""A run folder appears whole or not at all, and never in the place of what is not an earlier run of ours."""

from __future__ import annotations

import errno
import logging
import os
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.files.atomic import sync_folder
from ptycho.files.earlier import first_free
from ptycho.run.identity import Identity, is_going_on, is_run, remove_run
from ptycho.run.leftovers import remove_fruitless
from ptycho.run.record import BUNDLE
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)

_MOUNTS = Path("/proc/self/mountinfo")
_TAKEN_UP_AGAIN = ("*.ckpt", BUNDLE)
"""Files with which an unfinished run can be taken up again."""


@contextmanager
def building(target: Path, identity: Identity | None = None) -> Iterator[Path]:
    """Hand out ``TARGET.partial`` to write into; rename it to ``target`` when the block succeeds.

    An earlier run at ``target`` is kept as ``TARGET.1``, ``TARGET.2`` and so on. When the block raises, the
    partial folder stays if a checkpoint or a bundle in it can be taken up again, and is removed otherwise.

    Args:
        target: The folder to make; a link means the place that it leads to.
        identity: Who makes it, and what it is; a training where nothing is given.

    Yields:
        The folder to write into; it exists and holds nothing but its identity.

    Raises:
        FileExistsError: ``target`` is a file, a folder that is no run, a mount point or the current folder.
        FileNotFoundError: The partial folder was renamed or removed meanwhile, with what it held.
        OSError: The parent folder cannot be written, or the run, which is whole, cannot be given its name.
    """
    target = place_of(target)
    identity = Identity() if identity is None else identity
    partial = _make_partial(target)
    try:
        with identity.holding(partial):
            yield partial
            require_own(partial, identity)
    except BaseException:
        # Where the folder was renamed, another run may have taken its name.
        if partial.exists() and not is_going_on(partial):
            _leave(partial)
        raise
    _put(partial, target)
    remove_fruitless(target)


def require_own(partial: Path, identity: Identity) -> None:
    """Refuse to call a run whole whose folder is not the one that was written into from the beginning.

    Raises:
        FileNotFoundError: It is gone, or another has its name.
    """
    if not identity.is_in(partial):
        raise FileNotFoundError(
            error_text(
                f"{partial} was renamed or removed by somebody while the run went on: the run is not whole",
                expected="the folder where it was until the run has its name",
                hint=f"the name {partial.name} for it again, and ptycho finish {partial}, "
                "where it holds a network or a checkpoint",
            )
        )


def place_of(target: Path) -> Path:
    """Find the place that a name means, and refuse one where no run can appear.

    Args:
        target: A folder that need not exist; a link means what it leads to, also where that is not there yet.

    Raises:
        FileExistsError: It is a file, a folder that is no run, a mount point or the current folder.
    """
    target = Path(target)
    place = target.resolve()
    what = _obstacle(target, place)
    if what:
        raise FileExistsError(
            error_text(
                what,
                expected="a folder to write the run into, or a name that is free",
                hint="another output_dir" if not place.is_dir() else f"output_dir = {target / 'run'}",
            )
        )
    return place


def _obstacle(target: Path, place: Path) -> str:
    """Say why no run can appear at a place, or nothing."""
    if not place.exists():
        return ""
    if not place.is_dir():
        return f"{target} is a file"
    if _is_mounted(place):
        return f"{target} is a mount point, which cannot be renamed"
    if place == Path.cwd():
        return f"{target} is the current folder, which cannot be replaced"
    if any(place.iterdir()) and not is_run(place):
        return f"{target} is a folder with files, and no run: it is not touched"
    return ""


def _is_mounted(place: Path) -> bool:
    """Tell a mount point, also one of a folder of the same disk, of which `Path.is_mount` knows nothing."""
    if place.is_mount():
        return True
    try:
        mounts = _MOUNTS.read_bytes().splitlines()
    except OSError:  # Not Linux.
        return False
    # Blanks and the like stand as octal escapes in the fifth column (proc(5), mountinfo).
    points = (line.split(b" ")[4] for line in mounts)
    name = os.fsencode(place)
    return any(point.decode("unicode_escape").encode("latin-1") == name for point in points)


def _make_partial(target: Path) -> Path:
    """Make the folder to write into, beside the target so that it can take its name."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return _free_partial(target)
    except OSError as error:
        inside = target.is_dir() and os.access(target, os.W_OK)
        nearest = next(folder for folder in target.parents if folder.exists())
        reason = error.strerror or str(error) if nearest.is_dir() else f"{nearest} is a file"
        raise type(error)(
            error_text(
                f"no run can be written beside {target}: {reason}",
                expected=f"a folder to write into at {target.parent}",
                hint=f"output_dir = {target / 'run'}" if inside else "another output_dir",
            )
        ) from error


def _free_partial(target: Path) -> Path:
    for number in count(1):
        suffix = ".partial" if number == 1 else f".partial-{number}"
        partial = target.with_name(target.name + suffix)
        try:
            partial.mkdir()
        except FileExistsError:
            continue
        return partial
    raise AssertionError("count() does not end")


@contextmanager
def reopened(run: Path) -> Iterator[Path]:
    """Make a run that lacks results an unfinished attempt for the block, which makes it anew from that.

    Args:
        run: The folder of the run.

    Yields:
        The folder of the attempt. Where the block leaves no run, it gets its name back.
    """
    partial = _free_partial(run)
    # A folder takes the place of an empty one in one step.
    run.rename(partial)
    try:
        yield partial
    finally:
        if partial.exists() and not run.exists():
            partial.rename(run)


def _leave(partial: Path) -> None:
    """Keep what can be taken up again, and say how."""
    if not any(any(partial.rglob(pattern)) for pattern in _TAKEN_UP_AGAIN):
        remove_run(partial)
        return
    if (partial / BUNDLE).is_file():
        advice = f"the network is whole: ptycho finish {partial}"
    else:
        advice = f"resume with --training.resume {partial}"
    _log.warning("the run did not finish; what it reached is in %s (%s)", partial, advice)


def _put(partial: Path, target: Path) -> None:
    """Give a finished run its name; another run may take the same name at the same moment."""
    while True:
        try:
            _make_way(target)
            partial.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                continue
            raise type(error)(
                error_text(
                    f"the run is whole and lies in {partial}; it cannot be named {target}: {error.strerror}",
                    expected="a name that it can take",
                    hint=f"mv {partial} NAME",
                )
            ) from error
        break
    sync_folder(target.parent)


def _make_way(target: Path) -> None:
    try:
        os.rmdir(target)  # noqa: PTH106  An empty folder makes way; whatever holds a file stays.
    except FileNotFoundError:
        return
    except OSError:
        earlier = first_free(target)
        target.rename(earlier)
        _log.info("the earlier run is kept as %s", earlier)

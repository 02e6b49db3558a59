"""Datasets inside HDF5 files: opened once, with the links, filters and parts that are missing named.

h5py is imported when a file is opened: whoever reads only settings does without it.
"""

from __future__ import annotations

import contextlib
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.bounds import require_plausible
from ptycho.files.hdf5_parts import open_file, require_parts, unreadable
from ptycho.files.number_text import numbers_of
from ptycho.files.numbered_names import shown_names
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Hdf5File", "missing_filter"]

Array = np.ndarray[Any, Any]

FILTERS = {32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd", 32026: "blosc2"}
"""Filters of detector and beamline files by their registered numbers (The HDF Group's list of filters)."""

SHOWN_KEYS = 40
"""Datasets listed in a message; a facility's file may hold thousands."""

DEEPEST = 12
"""Groups inside each other that are looked into; links could go round in a circle."""


class Hdf5File:
    """An HDF5 file, opened once.

    Attributes:
        path: The file.
        excused: Gives, of so many, the numbers of the frames that may be missing: they are left out.

    Raises:
        ScanError: It is no HDF5 file, or not a whole one.
    """

    def __init__(self, path: str | Path) -> None:

        # Registers the filters of the field's detectors; without it h5py names none of them.
        with contextlib.suppress(ImportError):
            import_module("hdf5plugin")
        self.path = Path(path)
        self.excused: Callable[[int], Collection[int]] | None = None
        try:
            self._file = open_file(self.path)
        except OSError as error:
            raise ScanError(
                error_text(
                    f"{path} cannot be opened as an HDF5 file ({error})",
                    expected="a whole HDF5 file",
                    hint="copy the file again; an interrupted copy looks like this",
                )
            ) from error
        self._keys: tuple[str, ...] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __contains__(self, key: str) -> bool:
        """Tell whether there is such a dataset or link; a link to a missing file counts."""
        try:
            return self._file.get(key, getlink=True) is not None and self._kind(key) != "group"
        except (KeyError, ValueError, RuntimeError):
            # A path that runs through a dataset or through a link that leads nowhere.
            return False

    @property
    def keys(self) -> tuple[str, ...]:
        """Paths of all datasets, without the leading stroke; links are followed within the file."""
        if self._keys is None:
            self._keys = tuple(self._paths(self._file, "", 0))
        return self._keys

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def group(self, key: str) -> bool:
        """Tell whether there is such a group; "" is the whole file."""
        return key == "" or self._kind(key) == "group"

    def members(self, key: str) -> tuple[str, ...]:
        """List what lies directly in a group; nothing where there is no such group."""
        return tuple(self._file[key or "/"]) if self.group(key) else ()

    def first(self, *keys: str) -> str | None:
        """Give the first of some keys that is there, or None."""
        return next((key for key in keys if key in self), None)

    def dataset(self, key: str) -> Any:
        """Give a dataset that can be read.

        Raises:
            ScanError: There is none, what it links to is missing, or its filter is.
        """
        import h5py

        try:
            item = self._file[key]
        except (KeyError, OSError, ValueError, RuntimeError) as error:
            raise self._missing(key) from error
        if not isinstance(item, h5py.Dataset):
            raise ScanError(
                error_text(
                    f"'{key}' in {self.path} is a group, not a dataset",
                    known=", ".join(f"{key}/{name}" for name in item),
                )
            )
        require_parts(item, key, self.path, self._file, self.excused)
        _require_filters(item, key, self.path)
        return item

    def shape(self, key: str) -> tuple[int, ...]:
        """Read the shape of a dataset."""
        shape: tuple[int, ...] = self.dataset(key).shape
        return shape

    def read(self, key: str) -> Array:
        """Read a dataset into memory; a pair of real and imaginary part becomes a complex number.

        Raises:
            ScanError: It cannot be read.
        """
        dataset = self.dataset(key)
        if dataset.dtype.hasobject and dataset.dtype.kind != "O":
            raise ScanError(error_text(f"'{key}' in {self.path} holds no numbers: {dataset.dtype}"))
        self._require_plausible(dataset, key)
        try:
            array = np.asarray(dataset[()])
        except OSError as error:
            raise unreadable(key, self.path, error) from error
        names = array.dtype.names
        # MATLAB's complex numbers in version 7.3 files.
        if names is not None and set(names) == {"real", "imag"}:
            return np.asarray(array["real"] + 1j * array["imag"])
        return array

    def number(self, key: str) -> float | None:
        """Read one number, also one that stands in an array of length 1; None where there is no such key.

        Raises:
            ScanError: There is something else.
        """
        if key not in self:
            return None
        array = self.read(key)
        if array.size != 1 or array.dtype.kind not in "iuf":
            raise ScanError(
                error_text(
                    f"'{key}' in {self.path} is an array of {array.dtype} with shape {array.shape}",
                    expected="one number",
                )
            )
        return float(array.reshape(()))

    def size(self, key: str) -> int:
        """Count the values of a dataset; 0 where a link leads nowhere."""
        item = self._file.get(key)
        return 0 if item is None else int(getattr(item, "size", 0) or 0)

    def number_attributes(self, key: str) -> dict[str, float]:
        """Read the attributes of a group or dataset that are one real number, by their names."""
        item = self._file.get(key or "/")
        if item is None:
            return {}
        arrays = {name: np.asarray(value) for name, value in item.attrs.items()}
        return {
            name: float(array.reshape(()))
            for name, array in arrays.items()
            if array.size == 1 and array.dtype.kind in "iuf"
        }

    def text(self, key: str) -> str:
        """Read one text; "" where there is none."""
        if key not in self:
            return ""
        value = self.read(key)
        return _decoded(value.reshape(-1)[0]) if value.size == 1 else ""

    def attribute(self, key: str, name: str) -> Any:
        """Read an attribute of a group or dataset, text decoded; None where there is none."""
        try:
            value = self._file[key or "/"].attrs.get(name)
        except (KeyError, OSError, RuntimeError):
            return None
        if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "OSU":
            value = value.reshape(-1)[0]
        return _decoded(value) if isinstance(value, bytes | np.bytes_) else value

    def cells(self, key: str) -> tuple[str, ...]:
        """Give the datasets that a cell array of MATLAB refers to, in order; none for another dataset."""
        import h5py

        if self.attribute(key, "MATLAB_class") != "cell":
            return ()
        references = self.dataset(key)[()]
        # MATLAB counts columns first, and h5py shows its axes in reverse.
        return tuple(
            str(self._file[one].name).lstrip("/")
            for one in references.ravel()
            if isinstance(one, h5py.Reference) and one
        )

    def identity(self, key: str) -> tuple[int, int]:
        """Give what all paths to one dataset have in common: the number of its file, and its place there."""
        import h5py

        info = h5py.h5o.get_info(self.dataset(key).id)
        return info.fileno, info.addr

    def units(self, key: str) -> str:
        """Read the unit that a dataset's attributes name, "" where they name none."""
        named = (self.attribute(key, name) for name in ("units", "unit", "Units"))
        return next((str(unit).strip() for unit in named if unit is not None), "")

    def numbers(self, key: str) -> Array:
        """Read an array of real numbers, in double precision; axes of length one are dropped beyond two.

        Numbers that are written as text are read, too.

        Raises:
            ScanError: It cannot be read, or holds something else.
        """
        array = numbers_of(self.read(key), f"'{key}' in {self.path}")
        while array.ndim > 2 and 1 in array.shape:
            array = array.squeeze(array.shape.index(1))
        return array

    def shown_keys(self) -> str:
        """List the datasets with their shapes, for a message."""
        lead = shown_names(self.keys)
        shown = [
            self._described(key) + ("" if series is None else f" and more, {series.pattern}")
            for key, series in islice(lead.items(), SHOWN_KEYS)
        ]
        rest = len(lead) - SHOWN_KEYS
        return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "") or "nothing"

    def _described(self, key: str) -> str:
        import h5py

        link = self._file.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return f"{key} in {link.filename}"
        item = self._file.get(key)
        if item is None:
            return f"{key}, a link to '{link.path}', which is not there"
        kind = "" if item.dtype.kind in "iufb" else f" of {item.dtype}"
        return f"{key} {item.shape}{kind}"

    def _kind(self, key: str) -> str:
        try:
            kind = self._file.get(key, getclass=True)
        except (KeyError, OSError, RuntimeError):
            return ""
        return "" if kind is None else kind.__name__.lower().replace("file", "group")

    def _paths(self, group: Any, prefix: str, depth: int) -> list[str]:
        import h5py

        paths: list[str] = []
        for name in group:
            if name.startswith("#"):  # Where MATLAB keeps what its cell arrays refer to.
                continue
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                paths.append(f"{prefix}{name}")
                continue
            try:
                item = group.get(name)
            except RuntimeError:  # A link that leads to itself.
                continue
            if isinstance(item, h5py.Dataset) or item is None:  # None: a link that leads nowhere.
                paths.append(f"{prefix}{name}")
            elif isinstance(item, h5py.Group) and depth < DEEPEST:
                paths.extend(self._paths(item, f"{prefix}{name}/", depth + 1))
        return paths

    def _missing(self, key: str) -> ScanError:
        import h5py

        parts = key.strip("/").split("/")
        for length in range(1, len(parts) + 1):
            try:
                link = self._file.get("/".join(parts[:length]), getlink=True)
            except (KeyError, ValueError, OSError, RuntimeError):
                break
            if isinstance(link, h5py.ExternalLink):
                return self._broken_link("/".join(parts[:length]), link)
            if isinstance(link, h5py.SoftLink) and self._file.get("/".join(parts[:length])) is None:
                return ScanError(
                    error_text(
                        f"'{'/'.join(parts[:length])}' in {self.path} is a link to '{link.path}', "
                        "which is not there",
                        known=self.shown_keys(),
                    )
                )
        return ScanError(error_text(f"there is no '{key}' in {self.path}", known=self.shown_keys()))

    def _broken_link(self, key: str, link: Any) -> ScanError:
        target = self.path.parent / link.filename
        if target.exists():
            try:
                with Hdf5File(target) as other:
                    known = other.shown_keys()
            except ScanError as error:
                first, *more = str(error).splitlines()
                return ScanError("\n".join([f"{first}, in which '{key}' of {self.path} lies", *more]))
            return ScanError(
                error_text(
                    f"'{key}' in {self.path} leads to '{link.path}' in {target}, which is not there",
                    expected="the data files that were written along with it",
                    known=known,
                )
            )
        return ScanError(
            error_text(
                f"'{key}' in {self.path} lies in a file that is missing: {target}",
                expected=f"{link.filename} beside {self.path.name}",
                hint="copy the data files along with the file that links to them",
            )
        )

    def _require_plausible(self, dataset: Any, key: str) -> None:
        """Refuse a dataset that claims more than what is stored of it can mean."""
        # Nobody counts what lies in the parts of a virtual dataset; the file itself is all that is known.
        stored = self.path.stat().st_size if dataset.is_virtual else dataset.id.get_storage_size()
        require_plausible(f"'{key}' in {self.path}", dataset.nbytes, stored)


def missing_filter(dataset: Any) -> str:
    """Name a compression filter that a dataset needs and that is not here; "" where all are."""
    import h5py

    pipeline = dataset.id.get_create_plist()
    for index in range(pipeline.get_nfilters()):
        number, _, _, name = pipeline.get_filter(index)
        if not h5py.h5z.filter_avail(number):
            return FILTERS.get(number) or _decoded(name) or f"number {number}"
    return ""


def _require_filters(dataset: Any, key: str, path: Path) -> None:
    name = missing_filter(dataset)
    if name:
        raise ScanError(
            error_text(
                f"'{key}' in {path} is compressed with the filter {name}, which is not installed here",
                expected="the HDF5 filters of the field's detectors",
                hint="pip install hdf5plugin",
            )
        )


def _decoded(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

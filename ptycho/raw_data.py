"""RawData: one scan, checked when it is made, its frames read a few at a time.

Names, shapes and error phrases are a public contract; ``docs/data.md`` states it for users.
"""

import copy
import json
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho import params
from ptycho.physics.scale import measure
from ptycho.scan import npz
from ptycho.scan.check import check_probe
from ptycho.scan.errors import ScanError, compose, place
from ptycho.scan.forward import cut_patches, scan_amplitudes
from ptycho.scan.grouping import group_centres, group_indices, relative_coordinates
from ptycho.scan.intake import Context, Given, accept, with_quantity
from ptycho.scan.layout import LABEL_KEYS
from ptycho.scan.options import Quantity, ScanOptions
from ptycho.scan.reader import read_scan

__all__ = ["RawData"]

Array = np.ndarray[Any, Any]
Complex = NDArray[np.complexfloating[Any, Any]]
Indices = NDArray[np.int64]


class RawData:
    """One scan: positions, frames, probe, and what else is known.

    Attributes:
        xcoords, ycoords: Positions as given, in pixels, shape (n,).
        xcoords_start, ycoords_start: Nominal positions as given, shape (n,).
        probeGuess: Probe as given, or None.
        scan_index: Which scan a frame belongs to, shape (n,).
        objectGuess: Object as given, or None.
        Y: Object patches for supervised training, shape (n, N, N), or None.
        norm_Y_I: Scale of the patches' intensities as given, or None.
        metadata: What was embedded in the file, or None.
        positions: Patch centres [x, y] in pixels of the object, shape (n, 2).
        probe_modes: Probe for the frames after crop and binning, shape (P, N, N), or None.
        object_truth: Object that ``positions`` lie on, shape (H, W): the patch of (x, y) is
            ``object_truth[y - N//2 : y + N//2, x - N//2 : x + N//2]``. None without one, or if it is all ones.
        object_origin_px: [x, y] that was added to the file's coordinates to get there.
        decisions: What was decided about the scan and why, one sentence each.
        source: The file, or None.
        options: How the scan was to be read.
    """

    def __init__(  # noqa: PLR0913  The signature is a public contract.
        self,
        xcoords: ArrayLike,
        ycoords: ArrayLike,
        xcoords_start: ArrayLike | None,
        ycoords_start: ArrayLike | None,
        diff3d: ArrayLike,
        probeGuess: ArrayLike | None,
        scan_index: ArrayLike | None,
        objectGuess: ArrayLike | None = None,
        Y: ArrayLike | None = None,
        norm_Y_I: Any = None,
        metadata: dict[str, Any] | None = None,
        *,
        options: ScanOptions | None = None,
        quantity: Quantity | None = None,
        context: Context | None = None,
    ) -> None:
        self.options = with_quantity(options, quantity)
        self._context = Context() if context is None else context
        labels = None if Y is None else np.asanyarray(Y)
        self._accepted = accept(
            Given(
                xcoords,
                ycoords,
                xcoords_start,
                ycoords_start,
                np.asanyarray(diff3d),
                probeGuess,
                objectGuess,
                labels,
                self.options,
                self._context,
            )
        )
        n = len(self._accepted.frames)
        self.probeGuess = None if probeGuess is None else np.asarray(probeGuess)
        self.objectGuess = None if objectGuess is None else np.asarray(objectGuess)
        self.scan_index = _scan_index(scan_index, n, self.source)
        self.norm_Y_I = norm_Y_I
        self.metadata = metadata
        self._chosen: Indices | None = None
        self._mean_square: float | None = None

    @classmethod
    def from_coords_without_pc(
        cls,
        xcoords: ArrayLike,
        ycoords: ArrayLike,
        diff3d: ArrayLike,
        probeGuess: ArrayLike | None,
        scan_index: ArrayLike | None,
        objectGuess: ArrayLike | None = None,
        *,
        options: ScanOptions | None = None,
        quantity: Quantity | None = None,
    ) -> Self:
        """Make a scan from arrays in memory, whose frames are intensities unless told otherwise.

        Raises:
            ScanError: The scan cannot be used as it stands.
        """
        return cls(
            xcoords,
            ycoords,
            None,
            None,
            diff3d,
            probeGuess,
            scan_index,
            objectGuess,
            options=options,
            quantity=quantity,
            context=Context(usual="counts"),
        )

    @classmethod
    def from_simulation(
        cls,
        xcoords: ArrayLike,
        ycoords: ArrayLike,
        probeGuess: ArrayLike,
        objectGuess: ArrayLike,
        scan_index: ArrayLike | None = None,
    ) -> Self:
        """Compute the noiseless amplitudes of a known object; photons come with ``ptycho.scan.simulate``.

        Args:
            xcoords: Patch centres, columns, in object pixels, shape (n,).
            ycoords: Patch centres, rows, shape (n,).
            probeGuess: Probe, shape (N, N) or (P, N, N).
            objectGuess: Complex transmission, shape (H, W).
            scan_index: Shape (n,), zeros by default.

        Returns:
            The scan, with ``Y`` the true patches and ``objectGuess`` the truth.

        Raises:
            ScanError: A patch reaches over the edge of the object, or an array is of the wrong shape.
        """
        modes, guess = check_probe(probeGuess, None), np.asarray(objectGuess)
        if guess.ndim != 2:
            raise ScanError(
                compose(f"'objectGuess' has shape {guess.shape}", expected="complex, of shape (H, W)")
            )
        positions = np.stack([np.asarray(xcoords, float), np.asarray(ycoords, float)], axis=1)
        patches = cut_patches(guess.astype(np.complex128), positions, modes.shape[-1])
        return cls(
            xcoords,
            ycoords,
            None,
            None,
            scan_amplitudes(patches, modes),
            probeGuess,
            scan_index,
            guess,
            patches,
            options=ScanOptions(quantity="amplitude", centre="middle", position_origin="centre"),
        )

    @classmethod
    def from_file(
        cls, path: str | Path, *, options: ScanOptions | None = None, quantity: Quantity | None = None
    ) -> Self:
        """Read a scan file; uncompressed frames stay on the disk and are mapped.

        Args:
            path: An .npz file of the contract's layout or of tike's, or one compressed by bzip2.
            options: How to read it.
            quantity: What the frames are; wins over the options.

        Raises:
            FileNotFoundError: There is no such file.
            ScanError: The file is damaged, or the scan cannot be used as it stands.
        """
        path = Path(path)
        contents = read_scan(path)
        arrays = contents.arrays
        return cls(
            arrays["xcoords"],
            arrays["ycoords"],
            arrays.get("xcoords_start"),
            arrays.get("ycoords_start"),
            arrays["diff3d"],
            arrays.get("probeGuess"),
            arrays.get("scan_index"),
            arrays.get("objectGuess"),
            arrays.get("Y"),
            metadata=contents.metadata,
            options=options,
            quantity=quantity,
            context=Context(path, contents.frames_key, "amplitude", contents.quantity, contents.origin),
        )

    @classmethod
    def from_files(
        cls, train: str | Path, test: str | Path, *, options: ScanOptions | None = None
    ) -> tuple[Self, Self]:
        """Read a training scan and a test scan in the same way."""
        return cls.from_file(train, options=options), cls.from_file(test, options=options)

    def to_file(self, path: str | Path, *, compressed: bool = False) -> Path:
        """Write the scan under the contract's keys, whole or not at all; what was decided is written too.

        Args:
            path: The file to make or replace.
            compressed: Smaller, but then it cannot be mapped and is read as a whole.

        Returns:
            The path written.
        """
        declared = self.options.position_origin
        optional = {
            "probeGuess": self.probeGuess,
            "objectGuess": self.objectGuess,
            "Y": self.Y,
            "_metadata": None if self.metadata is None else json.dumps(self.metadata),
            "position_origin": self._context.origin if declared == "auto" else declared,
        }
        arrays: dict[str, Any] = {
            "diff3d": self.diff3d,
            "xcoords": self.xcoords,
            "ycoords": self.ycoords,
            "xcoords_start": self.xcoords_start,
            "ycoords_start": self.ycoords_start,
            "scan_index": self.scan_index,
            "quantity": self.quantity,
            **{key: value for key, value in optional.items() if value is not None},
        }
        return npz.write(path, arrays, compressed=compressed)

    def __len__(self) -> int:
        return len(self._accepted.frames)

    def __repr__(self) -> str:
        return f"RawData({self.n_frames} frames of {self.N} x {self.N} {self.quantity} from {place(self.source)})"

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self)

    @property
    def N(self) -> int:  # noqa: N802  The field's own symbol.
        """Side of a frame after crop and binning."""
        return self._accepted.frames.detector.side

    @property
    def source(self) -> Path | None:
        """The file, or None for arrays in memory."""
        return self._context.source

    @property
    def quantity(self) -> Literal["counts", "amplitude"]:
        """What ``diff3d`` holds."""
        return self._accepted.frames.quantity

    @property
    def decisions(self) -> list[str]:
        """What was decided about the scan and why, one sentence each."""
        return self._accepted.decisions

    @property
    def diff3d(self) -> Array:
        """The frames as given, shape (n, H, W): no crop, no root, no scale."""
        frames = self._accepted.frames
        return frames.select(frames.raw)

    @property
    def xcoords(self) -> NDArray[np.float64]:
        """Positions as given, columns, in pixels, shape (n,)."""
        return self._accepted.coordinates.x

    @property
    def ycoords(self) -> NDArray[np.float64]:
        """Positions as given, rows, in pixels, shape (n,)."""
        return self._accepted.coordinates.y

    @property
    def xcoords_start(self) -> NDArray[np.float64]:
        """Nominal positions as given, columns, in pixels, shape (n,)."""
        return self._accepted.coordinates.x_start

    @property
    def ycoords_start(self) -> NDArray[np.float64]:
        """Nominal positions as given, rows, in pixels, shape (n,)."""
        return self._accepted.coordinates.y_start

    @property
    def positions(self) -> NDArray[np.float64]:
        """Patch centres [x, y] in pixels of the object, shape (n, 2)."""
        return self._accepted.positions

    @property
    def probe_modes(self) -> Complex | None:
        """Probe for the frames after crop and binning, shape (P, N, N), in the file's scale."""
        return self._accepted.probe_modes

    @property
    def object_truth(self) -> Complex | None:
        """Object that ``positions`` lie on, shape (H, W), or None.

        The patch of (x, y) is ``object_truth[y - N//2 : y + N//2, x - N//2 : x + N//2]``.
        """
        return self._accepted.truth

    @property
    def object_origin_px(self) -> NDArray[np.float64]:
        """The [x, y] that was added to the file's coordinates to make them patch centres on the object."""
        return self._accepted.shift

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Good detector pixels after crop and binning, shape (N, N), True = good; None when all are."""
        return self._accepted.frames.mask

    @property
    def Y(self) -> Array | None:  # noqa: N802  The contract's name.
        """Object patches for supervised training, shape (n, N, N), or None."""
        labels = self._accepted.labels
        return None if labels is None else self._accepted.frames.select(labels)

    @property
    def object_pixel_m(self) -> float | None:
        """Side of an object pixel in metres; None unless wavelength, distance and pixel size are set."""
        return self.options.object_pixel_m(self._accepted.frames.detector.side_px)

    def amplitudes(self, indices: ArrayLike | None = None) -> NDArray[np.float32]:
        """Read measured amplitudes: the root of counts, or as given; cropped, binned, centred, not scaled.

        Args:
            indices: Which frames; None for all of them.

        Returns:
            Shape (frames, N, N), float32; masked pixels are zero.
        """
        return self._accepted.frames.amplitudes(_indices(indices))

    def labels(self, indices: ArrayLike | None = None) -> NDArray[np.complex64]:
        """Read the object patches for supervised training.

        Args:
            indices: Which frames; None for all of them.

        Returns:
            Shape (frames, N, N).

        Raises:
            ScanError: The scan has none (DATA-SUP-001).
        """
        labels = self._accepted.labels
        if labels is None:
            raise ScanError(
                compose(
                    f"supervised training needs the object patch of every frame, and {place(self.source)} "
                    "has none (DATA-SUP-001)",
                    expected=f"an array {' or '.join(map(repr, LABEL_KEYS))} of shape "
                    f"({self.n_frames}, {self.N}, {self.N}), complex64",
                    try_='model.model_type = "pinn", which learns from the frames alone',
                )
            )
        return self._accepted.frames.select(labels, _indices(indices)).astype(np.complex64)

    def mean_square(self) -> float:
        """Average the summed squared amplitude of a frame: photons per frame when ``diff3d`` holds counts."""
        if self._mean_square is None:
            self._mean_square = self._accepted.frames.mean_square()
        return self._mean_square

    def subset(self, indices: ArrayLike) -> Self:
        """Give some of the frames with all that belongs to them; the frames are not copied.

        Args:
            indices: Whole numbers, or one boolean per frame.
        """
        given = np.asarray(indices)
        chosen = np.flatnonzero(given) if given.dtype == np.bool_ else given.astype(np.int64)
        part = copy.copy(self)
        part._accepted = self._accepted.subset(chosen)  # noqa: SLF001  A copy of this very object.
        part.scan_index = self.scan_index[chosen]
        part._mean_square = None  # noqa: SLF001
        return part

    def generate_grouped_data(  # noqa: PLR0913  The signature is a public contract.
        self,
        N: int,
        K: int = 4,
        nsamples: int = 1,
        seed: int | None = None,
        sequential_sampling: bool = False,
        gridsize: int | None = None,
        enable_oversampling: bool = False,
        neighbor_pool_size: int | None = None,
    ) -> dict[str, Any]:
        """Gather groups of C = gridsize² neighbouring frames, in memory.

        Args:
            N: Side of a frame, as a check.
            K: Nearest neighbours that the members of a group are drawn from.
            nsamples: How many groups.
            seed: Seed of the draws; the same seed gives the same groups.
            sequential_sampling: Take the first positions as seeds, not random ones.
            gridsize: Side of a group; None takes it from ``ptycho.params.cfg``.
            enable_oversampling: Allow more groups than positions.
            neighbor_pool_size: Neighbours that oversampling draws from; None takes K.

        Returns:
            diffraction (B, N, N, C) float32, measured amplitudes; X_full, the same normalised; Y (B, N, N, C)
            complex64 or None; coords_offsets and coords_start_offsets (B, 1, 2, 1), group means;
            coords_relative, coords_start_relative, coords_nn and coords_start_nn (B, 1, 2, C) with [x, y] on
            axis 2; nn_indices (B, C); objectGuess.

        Raises:
            ScanError: N differs from the frames', or such groups do not exist.
            UnpopulatedError: gridsize is None before a configuration was written to params.cfg (CONFIG-001).
        """
        if gridsize is None:
            params.require_populated("RawData.generate_grouped_data", "gridsize")
            gridsize = int(params.get("gridsize"))
        if N != self.N:
            raise ScanError(
                compose(
                    f"N = {N}, but the frames of {place(self.source)} are {self.N} x {self.N}",
                    expected=f"N = {self.N}",
                    try_=f"data.crop_px = {N}" if N < self.N else f"model.N = {self.N}",
                )
            )
        groups = group_indices(
            self.positions,
            gridsize=gridsize,
            neighbour_count=K,
            n_groups=nsamples,
            seed=seed,
            sequential=sequential_sampling,
            oversampling=enable_oversampling,
            pool_size=neighbor_pool_size,
        )
        return self._gather(groups)

    def _gather(self, groups: Indices) -> dict[str, Any]:
        shape = (*groups.shape, self.N, self.N)
        diffraction = _channels_last(self.amplitudes(groups.ravel()).reshape(shape))
        has_labels = self._accepted.labels is not None
        return {
            "diffraction": diffraction,
            "X_full": diffraction * np.float32(self._amplitude_factor()),
            "Y": _channels_last(self.labels(groups.ravel()).reshape(shape)) if has_labels else None,
            **_coordinates("coords", self.positions, groups),
            **_coordinates("coords_start", self._accepted.nominal, groups),
            "nn_indices": groups,
            "objectGuess": self.objectGuess,
        }

    def _amplitude_factor(self) -> float:
        mean_square, N = self.mean_square(), self.N
        probe = np.ones((1, N, N), np.complex64) if self.probe_modes is None else self.probe_modes
        # The factor of X does not depend on the photons, which amplitudes do not know.
        return measure(mean_square, N, self.quantity, mean_square, probe).amplitude_factor


def _scan_index(values: ArrayLike | None, n: int, source: Path | None) -> Indices:
    if values is None:
        return np.zeros(n, np.int64)
    array = np.asarray(values)
    index = np.broadcast_to(array, n).copy() if array.size == 1 else array.reshape(-1)[:n]
    if len(index) != n or index.dtype.kind not in "iuf":
        raise ScanError(
            compose(
                f"'scan_index' in {place(source)} is an array of {array.dtype} with shape {array.shape}",
                expected=f"one whole number per frame: ({n},)",
            )
        )
    return index.astype(np.int64)


def _indices(indices: ArrayLike | None) -> Indices | None:
    return None if indices is None else np.asarray(indices, dtype=np.int64)


def _channels_last(stack: Array) -> Array:
    """View (B, C, N, N) as a contiguous (B, N, N, C)."""
    return np.ascontiguousarray(np.moveaxis(stack, 1, -1))


def _coordinates(
    name: str, positions: NDArray[np.float64], groups: Indices
) -> dict[str, NDArray[np.float64]]:
    def axes(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ascontiguousarray(np.moveaxis(pairs, -1, 1)[:, np.newaxis])

    return {
        f"{name}_offsets": axes(group_centres(positions, groups)[:, np.newaxis]),
        f"{name}_relative": axes(relative_coordinates(positions, groups)),
        f"{name}_nn": axes(positions[groups]),
    }

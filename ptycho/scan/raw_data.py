"""RawData: one scan, made from files, arrays or a known object.

Names, shapes and error phrases are a public contract; ``docs/data.md`` states it for users.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.files.foreign import naming
from ptycho.files.stored_frames import FramesOnDisk
from ptycho.scan.array_checks import check_probe
from ptycho.scan.callers import compare_metadata, refuse_old_call, tell_unconfigured
from ptycho.scan.completion import arranged, complete
from ptycho.scan.correction import CorrectedFrames, correct
from ptycho.scan.forward import cut_patches, scan_amplitudes
from ptycho.scan.grouped_data import grouped_data, join_groups
from ptycho.scan.grouping import group_indices, share_out
from ptycho.scan.scan import Scan
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import ScanContents, read_scan
from ptycho.scan.source import ScanSource, source_name
from ptycho.scan.validate import ScanArrays, validate, with_quantity
from ptycho.settings import legacy_dict as params
from ptycho.settings.data import Quantity, ScanOptions
from ptyconf.errors import error_text

__all__ = ["RawData", "require_one_scan"]

logger = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]
Complex = NDArray[np.complexfloating[Any, Any]]
Indices = NDArray[np.int64]


class RawData(Scan):
    """One scan: positions, frames, probe, and what else is known.

    Attributes:
        probeGuess: Probe as given, or None.
        objectGuess: Object as given, or None.
        norm_Y_I: Scale of the patches' intensities as given, or None.
        metadata: What was embedded in the file, or None.
    """

    def __init__(  # noqa: PLR0913  The signature is a public contract.
        self,
        xcoords: ArrayLike,
        ycoords: ArrayLike,
        xcoords_start: ArrayLike | None,
        ycoords_start: ArrayLike | None,
        diff3d: ArrayLike | FramesOnDisk | CorrectedFrames,
        probeGuess: ArrayLike | None,
        scan_index: ArrayLike | None,
        objectGuess: ArrayLike | None = None,
        Y: ArrayLike | None = None,
        norm_Y_I: Any = None,
        metadata: dict[str, Any] | None = None,
        *,
        options: ScanOptions | None = None,
        quantity: Quantity | None = None,
        source: ScanSource | None = None,
        contents: ScanContents | None = None,
    ) -> None:
        chosen = with_quantity(options, quantity)
        source = ScanSource() if source is None else source
        more = {} if contents is None else _more_of(contents)
        given = ScanArrays(
            xcoords,
            ycoords,
            xcoords_start,
            ycoords_start,
            diff3d if isinstance(diff3d, FramesOnDisk | CorrectedFrames) else np.asanyarray(diff3d),
            probeGuess,
            objectGuess,
            None if Y is None else np.asanyarray(Y),
            chosen,
            source,
            scan_index=scan_index,
            **more,
        )
        valid, numbers = validate(given)
        super().__init__(valid, chosen, source)
        self.probeGuess = None if probeGuess is None else np.asarray(probeGuess)
        self.objectGuess = None if objectGuess is None else np.asarray(objectGuess)
        self.norm_Y_I = norm_Y_I
        self.metadata = metadata
        # The parts are copies: they take along what stands here by now.
        self._take_apart(numbers)

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
            source=ScanSource(usual="counts"),
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
        """Compute the noiseless amplitudes of a known object; photons come with ``ptycho.simulate.scan``.

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
                error_text(f"'objectGuess' has shape {guess.shape}", expected="complex, of shape (H, W)")
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
        cls,
        path: str | Path,
        validate_config: bool = False,
        current_config: Mapping[str, Any] | None = None,
        *,
        options: ScanOptions | None = None,
        quantity: Quantity | None = None,
    ) -> Self:
        """Read a scan file; uncompressed frames stay on the disk and are mapped.

        Args:
            path: An .npz file of the contract's layout or of tike's, or one compressed by bzip2.
            validate_config: Compare the file's metadata with a configuration.
            current_config: That configuration, as the legacy dict spells it; None takes ``params.cfg``.
            options: How to read it.
            quantity: What the frames are; wins over the options.

        Raises:
            FileNotFoundError: There is no such file.
            ScanError: The file is damaged, or the scan cannot be used as it stands.

        Warns:
            UserWarning: The metadata names other values than the configuration.
        """
        path = Path(path)
        tell_unconfigured(path, __name__)
        # Held to the end of the checks, so that a mask that the file holds needs no second opening.
        file = open_scan(path)
        chosen = with_quantity(options, quantity)
        with naming(path):
            scan_format, found = read_scan(file, chosen)
            contents = arranged(complete(found, file, chosen), file, chosen)
            contents = correct(contents, file, chosen)
        if validate_config and contents.metadata is not None:
            compare_metadata(
                contents.metadata, params.cfg if current_config is None else current_config, path
            )
        with naming(path):
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
                options=chosen,
                source=ScanSource(
                    path,
                    contents.frames_key,
                    "amplitude",
                    contents.quantity,
                    contents.origin,
                    read_by=scan_format.name,
                    notes=contents.notes,
                ),
                contents=contents,
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
            "position_origin": self._source.origin if declared == "auto" else declared,
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

    def generate_grouped_data(
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
            TypeError: The arguments stand where an older version had them.
            UnpopulatedError: gridsize is None before a configuration was written to params.cfg (CONFIG-001).
        """
        refuse_old_call(seed, sequential_sampling)
        if gridsize is None:
            params.require_populated("RawData.generate_grouped_data", "gridsize")
            gridsize = int(params.get("gridsize"))
        if N != self.N:
            raise ScanError(
                error_text(
                    f"N = {N}, but the frames of {source_name(self.source)} are {self.N} x {self.N}",
                    expected=f"N = {self.N}",
                    hint=f"data.crop_px = {N}" if N < self.N else f"model.N = {self.N}",
                )
            )
        if nsamples == 1 < len(self):
            logger.warning(
                "one group is drawn of a scan of %d positions: what is made of it shows one patch; "
                "nsamples = %d takes all",
                len(self),
                len(self),
            )
        shares = share_out(nsamples, [len(part) for part in self.parts])
        grouped = [
            grouped_data(
                part,
                group_indices(
                    part.positions,
                    gridsize=gridsize,
                    neighbour_count=K,
                    n_groups=share,
                    seed=seed,
                    sequential=sequential_sampling,
                    oversampling=enable_oversampling,
                    pool_size=neighbor_pool_size,
                ),
            )
            for part, share in zip(self.parts, shares, strict=True)
            if share
        ]
        return join_groups(grouped, self.part_rows, shares) | {"objectGuess": self.objectGuess}


def require_one_scan(scan: RawData) -> None:
    """Refuse several scans where a picture of one is wanted.

    Raises:
        ScanError: There are several.
    """
    if len(scan.parts) > 1:
        raise ScanError(
            error_text(
                f"{source_name(scan.source)} holds {len(scan.parts)} scans, and a picture shows one: "
                + ", ".join(part.name for part in scan.parts),
                expected="one of RawData.parts",
                hint='data.scan_index = a number, or "ignore" where they show one sample',
            )
        )


def _more_of(contents: ScanContents) -> dict[str, Any]:
    """Give what a file says beyond its arrays."""
    names = ("bad_pixels", "position_unit", "geometry", "beam_centre_px")
    return {name: getattr(contents, name) for name in names}

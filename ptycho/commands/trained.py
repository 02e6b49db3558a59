"""What a training left becomes pictures: one of each scan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.backends.model import bundle_of_scan
from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.write import write_bundle
from ptycho.run.settings import TrainingSettings
from ptycho.run.stages import stage
from ptyconf import Origin
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ptycho.backends.base import Training
    from ptycho.bundle.archive import Bundle
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.report.results import Results
    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution


@dataclass(frozen=True)
class Trained:
    """A training that is done, on one scan or several.

    Attributes:
        library: The name of what trained.
        training: What it left.
        bundle: The network with the light of the first scan.
        scan: What was learned from.
        resolution: The settings of the run.
        halves: Trainings on the first and on the second half of the frames alone, where there were any.
    """

    library: str
    training: Training
    bundle: Bundle
    scan: RawData
    resolution: Resolution
    halves: tuple[Trained, Trained] | None = None

    def keep_others(self, folder: Path) -> None:
        """Leave the network with the light of every scan but the first as a bundle, in a folder of that scan.

        Args:
            folder: That of the run while it is made.

        Raises:
            OSError: The folder cannot be written.
        """
        for number, light in enumerate(self.training.lights[1:], start=2):
            place = folder / f"scan-{number}"
            place.mkdir()
            write_bundle(place / FILE_NAME, bundle_of_scan(self.bundle, light))

    def reconstruct(self, scan: RawData, title: str) -> list[Results]:
        """Reconstruct each scan with its own probe where the network learned from it.

        Args:
            scan: What is reconstructed: what was learned from, or another scan.
            title: What the run is called.
        """
        from ptycho.clients.halves import halves_of
        from ptycho.clients.verdict import verdict_of
        from ptycho.report.results import NETWORK, Results

        results = []
        for number, part in enumerate(scan.parts):
            own = number if scan is self.scan else 0
            alone = self._picture_of(own)
            with stage(f"reconstructing {part.name}"):
                reconstruction = alone(part)
            verdict = verdict_of(reconstruction, part, self.resolution, self.library)
            first, second = (self, self) if self.halves is None else self.halves
            results.append(
                Results(
                    title=title,
                    resolution=self.resolution,
                    reconstruction=reconstruction,
                    scan=part,
                    trained_on_it=scan is self.scan,
                    training=self.training if number == 0 else None,
                    verdict=verdict,
                    halves=halves_of(
                        part,
                        (first._picture_of(own), second._picture_of(own)),  # noqa: SLF001  Of this very class.
                        verdict,
                        networks=1 if self.halves is None else 2,
                        only=NETWORK,
                    ),
                )
            )
        return results

    def _picture_of(self, number: int) -> Callable[[RawData], Reconstruction]:
        """Give what reconstructs frames with the light of a scan that was learned from."""
        backend = load_backend(self.library)
        model = self.training.model
        if number > 0:
            other = backend.unpack(bundle_of_scan(self.bundle, self.training.lights[number]))
            model = replace(other, retrieved=model.retrieved)
        return partial(backend.reconstruct, model, self.resolution)


def train_halves(
    library: str, settings: TrainingSettings, scan: RawData, home: Path
) -> tuple[Trained, Trained]:
    """Train one network on each half of the frames, as the whole is trained, from first weights of its own.

    Args:
        library: The name of what trains.
        settings: Those of the training on all frames.
        scan: All frames, of one scan or several.
        home: Folder of the run.
    """
    first, second = (
        _train_half(library, _settings_of_half(settings, number), scan.subset(rows), home)
        for number, rows in enumerate(_rows_of_halves(scan))
    )
    return first, second


def _train_half(library: str, settings: TrainingSettings, scan: RawData, home: Path) -> Trained:
    backend = load_backend(library)
    with TemporaryDirectory() as folder:
        training = backend.train(settings, scan, Path(folder))
    bundle = backend.pack(training.model, training.resolution, home)
    return Trained(library, training, bundle, scan, training.resolution)


def _rows_of_halves(scan: RawData) -> Iterator[NDArray[np.int64]]:
    from ptycho.clients.halves import frames_of_halves

    of_parts = [frames_of_halves(part) for part in scan.parts]
    for number in (0, 1):
        yield np.sort(
            np.concatenate(
                [rows[halves[number]] for rows, halves in zip(scan.part_rows, of_parts, strict=True)]
            )
        )


def _settings_of_half(settings: TrainingSettings, number: int) -> TrainingSettings:
    resolution = settings.resolution
    # With first weights in common the two would be alike before they have learned anything.
    groups = resolution["training.n_groups"]
    values = {
        "training.seed": int(resolution["training.seed"]) + 1 + number,
        "training.n_groups": None if groups is None else max(1, int(groups) // 2),
        "training.resume": None,
        "execution.logger_backend": None,
    }
    origin = Origin("measured", "half of the frames", "a network that learns from them alone")
    layer = mapping.layer("measured", values, kind="measured", origin=lambda _: origin)
    return TrainingSettings.of(resolution.with_layer(layer))

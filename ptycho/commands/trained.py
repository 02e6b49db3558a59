"""What a training left becomes pictures: one of each scan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ptycho.backends.base import load_backend
from ptycho.backends.model import bundle_of_scan
from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.write import write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.backends.base import Training
    from ptycho.bundle.archive import Bundle
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
    """

    library: str
    training: Training
    bundle: Bundle
    scan: RawData
    resolution: Resolution

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

        backend, resolution = load_backend(self.library), self.resolution
        results = []
        for number, part in enumerate(scan.parts):
            model = self.training.model
            if scan is self.scan and number > 0:
                model = backend.unpack(bundle_of_scan(self.bundle, self.training.lights[number]))
            alone = partial(backend.reconstruct, model, resolution)
            reconstruction = alone(part)
            verdict = verdict_of(reconstruction, part, resolution, self.library)
            results.append(
                Results(
                    title=title,
                    resolution=resolution,
                    reconstruction=reconstruction,
                    scan=part,
                    trained_on_it=scan is self.scan,
                    training=self.training if number == 0 else None,
                    verdict=verdict,
                    halves=halves_of(part, alone, verdict, network=True, only=NETWORK),
                )
            )
        return results

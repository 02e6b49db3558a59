"""Whose probe and scale a network sees a scan with: those of its training, or the scan's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ptycho.backends.every_scan import OpenedNetwork, ScanNetwork
from ptycho.backends.model import bundle_of_scan
from ptycho.backends.trained_network import OpenedBundle, open_network
from ptycho.bundle.archive import FILE_NAME
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import measure
from ptycho.run.record import FOLDER_OF_SCAN
from ptycho.training.lights import ScanLight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution

__all__ = [
    "NetworkOfScan",
    "archives_of_others",
    "changed_scans",
    "learned_from",
    "networks_of_scans",
    "probe_of_training",
    "unlearned_scans",
]


class NetworkOfScan(NamedTuple):
    """A network with the light of one scan.

    Attributes:
        network: What can be loaded.
        note: Whose probe it is, in one sentence; "" where that is plain.
    """

    network: OpenedBundle | ScanNetwork
    note: str


def networks_of_scans(
    trained: OpenedBundle | OpenedNetwork, scan: RawData, resolution: Resolution
) -> list[NetworkOfScan]:
    """Make a network ready for each of the scans.

    A scan that was trained on gets the probe and the scale of its training. Another one that comes alone is
    taken for one of the same beam; of several, each has its own where its file holds a probe.

    Args:
        trained: The network.
        scan: One scan, or several.
        resolution: The settings in force.

    Raises:
        ValueError: A network for every scan meets one without a probe, or with frames of another side.
    """
    if isinstance(trained, OpenedNetwork):
        return [NetworkOfScan(trained.for_scan(part, resolution), "") for part in scan.parts]
    return [_network_of(trained, scan, place, resolution) for place in range(len(scan.parts))]


def probe_of_training(trained: OpenedBundle, scan: RawData, resolution: Resolution) -> NDArray[np.complex64]:
    """Give the probe with which `networks_of_scans` sees the first of the scans."""
    return _network_of(trained, scan, 0, resolution).network.bundle.probe


def learned_from(network: OpenedBundle | ScanNetwork, file: Path | None) -> bool:
    """Tell whether a network was trained on this very file."""
    return file is not None and file.resolve() in _files_of(network)


def changed_scans(trained: OpenedBundle, scan: RawData) -> list[str]:
    """Name the scans that lie where a network learned from others: their files were replaced since."""
    return unlearned_scans(trained, [part for part in scan.parts if learned_from(trained, part.source)])


def unlearned_scans(trained: OpenedBundle, scans: Iterable[RawData]) -> list[str]:
    """Name the scans that a network did not learn from; none where its bundle is older than fingerprints."""
    known = trained.bundle.scans
    return [scan.name for scan in scans if known and scan.fingerprint() not in known]


def _network_of(trained: OpenedBundle, scan: RawData, place: int, resolution: Resolution) -> NetworkOfScan:
    part = scan.parts[place]
    own = _bundle_of_training(trained, scan, place)
    if own is not None:
        note = f"probe and scale are those of its training, in {own.archive.parent.name}"
        return NetworkOfScan(own, "" if own is trained else note)
    probe = part.probe_modes
    if len(scan.parts) == 1 or probe is None or probe.shape[-1] != part.N:
        beam = "it was not trained on" if len(scan.parts) == 1 else "which holds none"
        return NetworkOfScan(trained, f"the probe is that of the training, for {part.name}, {beam}")
    modes = orthogonal_modes(np.asarray(probe, np.complex64), len(trained.bundle.probe)).astype(np.complex64)
    dose = float(resolution["training.nphotons"])
    normalisation = measure(part.mean_square(), part.N, part.quantity, dose, modes)
    light = ScanLight(part.name, normalisation.probe(modes), normalisation, part.mask)
    note = f"probe and scale are those of {part.name}, not those of the training"
    return NetworkOfScan(replace(trained, bundle=bundle_of_scan(trained.bundle, light)), note)


def _bundle_of_training(trained: OpenedBundle, scan: RawData, place: int) -> OpenedBundle | None:
    """Find the network with the light that a scan had when it was trained on; None for another scan."""
    part = scan.parts[place]
    files = _files_of(trained)
    if part.source is None or part.source.resolve() not in files:
        return None
    archives = [trained.archive, *archives_of_others(trained.archive.parent)]
    if len(archives) == 1:
        return trained
    if len(files) == 1:
        number = [other.source for other in scan.parts[: place + 1]].count(part.source) - 1
        # A part that comes alone has its number in the file, but not its place among the parts.
        known = len(scan.parts) == len(archives)
    else:
        number, known = files.index(part.source.resolve()), len(files) == len(archives)
    if not known:
        return None
    return trained if number == 0 else open_network(archives[number])


def archives_of_others(folder: Path) -> list[Path]:
    """List the bundles of a run with the light of its second scan, its third and so on."""
    numbered = [
        (int(match.group(1)), path / FILE_NAME)
        for path in folder.iterdir()
        if (match := FOLDER_OF_SCAN.fullmatch(path.name)) and (path / FILE_NAME).is_file()
    ]
    return [path for _, path in sorted(numbered)]


def _files_of(network: OpenedBundle | ScanNetwork) -> list[Path]:
    """List the scan files of a training, in its order."""
    if isinstance(network, OpenedBundle) and network.elsewhere:
        return []
    settings: dict[str, Any] = {
        entry["path"]: entry["value"] for entry in network.bundle.provenance.get("settings", ())
    }
    first, more = settings.get("training.train_data_file"), settings.get("data.more_scans") or ()
    return [Path(str(file)).resolve() for file in (first, *more) if file is not None]

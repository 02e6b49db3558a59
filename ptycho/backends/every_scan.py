"""A network for every scan, made ready for one: the scan gives the frame side, the probe and the scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.bundle.archive import Bundle
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import measure
from ptycho.run.resolve import resolve_layers
from ptycho.training.probe import is_explicit
from ptycho.training.start_weights import fixed_by_weights, network_layer
from ptycho.zoo.every_scan import WITHOUT, NetworkFileError, find_network, read_network
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.physics.scale import Normalisation
    from ptycho.scan.raw_data import RawData
    from ptycho.zoo.every_scan import NetworkForEveryScan
    from ptyconf import Layer, Resolution


@dataclass(frozen=True)
class ScanNetwork:
    """A network for every scan, and one scan's part of it.

    Attributes:
        network: The weights.
        bundle: What a bundle of a network that was trained on the scan would hold.
    """

    network: NetworkForEveryScan
    bundle: Bundle

    def load(self, backend: str) -> Any:
        """Build it in a backend's hands.

        Returns:
            The model as the backend knows it.

        Raises:
            NetworkFileError: The weights are of another shape than the file says.
            BackendError: The framework is missing.
        """
        library = load_backend(backend)
        try:
            return library.unpack(self.bundle)
        except (ValueError, TypeError, KeyError) as error:
            raise NetworkFileError(
                error_text(
                    f"the weights {self.network.path} do not fill the network that they describe",
                    details={"found": str(error).partition("\n")[0]},
                    expected=", ".join(f"{name} = {value}" for name, value in self.network.shape.items()),
                    hint=WITHOUT,
                )
            ) from error


@dataclass(frozen=True)
class OpenedNetwork:
    """A network for every scan, before it has seen one.

    Attributes:
        archive: Its file, or the name that it goes by in the package: what the settings say of it.
        network: The weights.
        layer: What they fix, for the settings of a run.
        settings: Those settings and nothing else, resolved.
    """

    archive: Path
    network: NetworkForEveryScan
    layer: Layer
    settings: Resolution

    def for_scan(self, scan: RawData, resolution: Resolution) -> ScanNetwork:
        """Make it ready for a scan: frame side, probe, scales and bad pixels are the scan's.

        Raises:
            ValueError: The scan has no probe, or frames of a side that the network does not take.
        """
        probe = _probe_of(scan, _explicit_modes(resolution))
        settings = self.network.settings_for(scan.N, len(probe))
        dose = float(resolution["training.nphotons"])
        normalisation = measure(scan.mean_square(), scan.N, scan.quantity, dose, probe)
        weights: dict[str, NDArray[Any]] = {
            **self.network.weights,
            "probe": normalisation.probe(probe),
            "log_gain": np.zeros((), np.float32),
            "measured_scale": np.array(normalisation.intensity_scale, np.float32),
            "mask": np.ones((scan.N, scan.N), bool) if scan.mask is None else scan.mask,
        }
        return ScanNetwork(self.network, _bundle(settings.as_dict(), normalisation, weights))


def open_for_every_scan(word: Path) -> OpenedNetwork | None:
    """Open the file of weights that a word means: a path to one, or a name of the package; None for neither.

    Raises:
        NetworkFileError: The file cannot be used.
    """
    path = find_network(word)
    if path is None:
        return None
    network = read_network(path)
    # Nobody has learned the probe: sweeps that refine the picture move it, too, where nobody forbids it.
    layer = network_layer(fixed_by_weights(network.shape), word, **{"inference.learn_probe": True})
    return OpenedNetwork(word, network, layer, resolve_layers([layer]))


def _bundle(
    network: dict[str, Any], normalisation: Normalisation, weights: dict[str, NDArray[Any]]
) -> Bundle:
    return Bundle(
        backend="",
        network=network,
        normalisation=normalisation.as_dict(),
        probe=weights["probe"],
        weights=weights,
        settings_toml="",
        provenance={},
    )


def _probe_of(scan: RawData, modes: int | None) -> NDArray[np.complex64]:
    given = scan.probe_modes
    if given is None:
        raise ValueError(
            error_text(
                f"{scan.source or 'the scan'} has no probe",
                expected="probeGuess, complex, of shape (N, N) or (P, N, N): the network sees the sample "
                "through it",
                hint="a scan file with probeGuess or an estimate of it, data.probe_model.kind and what is "
                f"known of the optics, or {WITHOUT} and no probe",
            )
        )
    probe = np.asarray(given, np.complex64)
    return orthogonal_modes(probe, modes or len(probe)).astype(np.complex64)


def _explicit_modes(resolution: Resolution) -> int | None:
    """Give the number of probe modes that somebody asked for, or None where the scan says it."""
    modes = int(resolution["model.probe_modes"])
    return modes if is_explicit(resolution, "model.probe_modes") else None

"""What every backend does with a trained model: pack it, unpack it, reconstruct with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from ptycho.bundle.archive import Bundle
from ptycho.network.settings import NetworkSettings
from ptycho.network.size import require_like_size
from ptycho.physics.scale import Normalisation
from ptycho.training.trained_model import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptycho.settings.execution import PyTorchExecutionConfig
    from ptycho.training.lights import ScanLight
    from ptyconf import Resolution

    Weights = dict[str, NDArray[Any]]


class _Network(Protocol):
    """What is asked of a network, whichever backend made it."""

    @property
    def settings(self) -> NetworkSettings:
        """Its shape."""
        ...


Network = TypeVar("Network", bound=_Network)


def pack(
    backend: str,
    model: Model[Network],
    weights: Weights,
    resolution: Resolution,
    home: Path,
) -> Bundle:
    """Turn a model into what the bundle in a folder will hold.

    Args:
        backend: Who writes it.
        model: The network with its scales.
        weights: Its arrays under canonical names, the probe (P, N, N) among them.
        resolution: The settings of the training.
        home: The folder, from which the relative paths of the settings are seen.
    """
    from ptyconf.report import dump_toml, to_json

    return Bundle(
        backend=backend,
        network=model.network.settings.as_dict(),
        normalisation=model.normalisation.as_dict(),
        probe=weights["probe"],
        weights=weights,
        settings_toml=dump_toml(resolution, folder=home, portable=True),
        provenance=to_json(resolution),
    )


def unpack(
    bundle: Bundle,
    make: Callable[[NetworkSettings, NDArray[np.complex64], float], Network],
    load: Callable[[Network, Weights], None],
) -> Model[Network]:
    """Turn what a bundle holds into a model.

    Args:
        bundle: The bundle.
        make: Makes a network from its settings, the probe (P, N, N) and the intensity scale.
        load: Puts arrays under canonical names into it.

    Raises:
        ValueError: The weights do not belong to the network that the bundle describes.
    """
    normalisation = Normalisation.from_dict(bundle.normalisation)
    settings = NetworkSettings(**bundle.network)
    require_like_size(settings, bundle.weights)  # Before a network of any size takes memory.
    network = make(settings, bundle.probe, normalisation.intensity_scale)
    load(network, bundle.weights)
    return Model(network, normalisation)


def bundle_of_scan(bundle: Bundle, light: ScanLight) -> Bundle:
    """Give the bundle of a network that learned from several scans, with the light of one of them.

    Args:
        bundle: The network with the light of the first scan.
        light: That of another one.
    """
    scale = np.asarray(light.normalisation.intensity_scale, np.float32)
    return replace(
        bundle,
        normalisation=light.normalisation.as_dict(),
        probe=light.probe,
        weights=bundle.weights | {"probe": light.probe, "measured_scale": scale},
    )


def reconstruct(
    run: Callable[..., Reconstruction],
    device_of: Callable[[PyTorchExecutionConfig], Any],
    model: Model[Any],
    resolution: Resolution,
    scan: RawData,
) -> Reconstruction:
    """Reconstruct a scan with a model, on the device that the settings ask for.

    Args:
        run: The backend's own `reconstruct`.
        device_of: Names a device in the backend's way, and refuses one that is not there.
        model: A trained model.
        resolution: The settings of the reconstruction.
        scan: What to reconstruct.

    Raises:
        ValueError: The scan does not fit the model, or there is no such device.
    """
    from ptycho.reconstruction.picture import PictureOptions, batch_size_of, place_scan
    from ptycho.scan.raw_data import require_one_scan
    from ptycho.settings.execution import PyTorchExecutionConfig

    require_one_scan(scan)
    execution = resolution.build(PyTorchExecutionConfig)
    return run(
        model.network,
        model.normalisation,
        place_scan(resolution, scan),
        batch_size=batch_size_of(execution, int(resolution["inference.batch_size"])),
        device=device_of(execution),
        options=PictureOptions.of(resolution, execution),
        retrieved=model.retrieved,
    )

"""Weights that a training starts from in place of random ones: fine-tuning.

They come from a network for every scan or from a run folder. The probe, the scales and the frame side stay
those of the scan that is learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ptycho.bundle.archive import locate
from ptycho.bundle.read import read_bundle
from ptycho.network.settings import NetworkSettings
from ptycho.run.bundle_layer import FREE_SETTINGS
from ptycho.zoo.every_scan import SHAPE, find_network, read_network
from ptyconf import Origin
from ptyconf.errors import error_text
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ptyconf import Layer

    Arrays = Mapping[str, NDArray[Any]]

Network = TypeVar("Network")

SCAN_SETTINGS = frozenset({"N", "probe_modes"})
"""Settings of a network that each scan gives anew."""


@dataclass(frozen=True)
class StartWeights:
    """Weights of a trained network, and what they fix of it.

    Attributes:
        source: What names them in the settings.
        network: Settings of the network by name, without those that a scan gives.
        arrays: Weights of the architecture by canonical name, `core/...`.
    """

    source: Path
    network: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    def layer(self) -> Layer:
        """Make the layer of what the weights fix, for the settings of a training."""
        return network_layer(self.network, self.source)

    def require_fitting(self, settings: NetworkSettings) -> None:
        """Accept settings of a network that these weights fill.

        Raises:
            ValueError: They describe another network.
        """
        wanted = settings.as_dict()
        different = [name for name, value in self.network.items() if wanted.get(name) != value]
        if different:
            name = different[0]
            raise ValueError(
                error_text(
                    f"training.init = {self.source} holds a network of {name} = {self.network[name]!r}, and "
                    f"model.{name} is {wanted.get(name)!r}",
                    expected=", ".join(f"{name} = {self.network[name]!r}" for name in different),
                    hint="`ptycho train --init`, which takes the network's settings over",
                )
            )


def network_layer(network: Mapping[str, Any], source: Path, **more: Any) -> Layer:
    """Make the layer of what trained weights fix of a network.

    Args:
        network: Settings of the network by name.
        source: What names the weights.
        more: Further values by path.
    """
    values = {f"model.{name}": value for name, value in network.items()} | more
    origins = {path: Origin("bundle", str(source), path) for path in values}
    return mapping.layer("bundle", values, kind="bundle", label=str(source), origin=origins.__getitem__)


def fixed_by_weights(network: Mapping[str, Any]) -> dict[str, Any]:
    """Give all settings of a network but those that a scan gives and those that weights leave free."""
    whole = NetworkSettings(**network).as_dict()
    return {name: value for name, value in whole.items() if name not in FREE_SETTINGS | SCAN_SETTINGS}


def read_start(source: Path) -> StartWeights:
    """Read the weights that a path or a packaged name means.

    Raises:
        ValueError: The file cannot be used.
        FileNotFoundError: There is neither.
    """
    path = find_network(source)
    if path is not None:
        network = read_network(path)
        return StartWeights(source, fixed_by_weights(network.shape), dict(network.weights))
    bundle = read_bundle(locate(source))
    arrays = {name: array for name, array in bundle.weights.items() if name.startswith("core/")}
    return StartWeights(source, fixed_by_weights(bundle.network), arrays)


def require_start(source: Path | None, settings: NetworkSettings) -> None:
    """Refuse weights to start from that would not fill a network, before anything is computed."""
    if source is not None:
        read_start(source).require_fitting(settings)


def fill(
    source: Path | None,
    settings: NetworkSettings,
    network: Network,
    export: Callable[[Network], Arrays],
    load: Callable[[Network, Arrays], None],
) -> str | None:
    """Put the weights that a training starts from into a fresh network, if any are named.

    Args:
        source: A path or a packaged name; None leaves the network as it is.
        settings: Of the network.
        network: The network of a backend.
        export: Gives its arrays under canonical names.
        load: Puts such arrays into it.

    Returns:
        What was done, or None.

    Raises:
        ValueError: The weights belong to another network.
    """
    if source is None:
        return None
    start = read_start(source)
    start.require_fitting(settings)
    try:
        load(network, {**export(network), **start.arrays})
    except ValueError as error:
        raise ValueError(
            error_text(
                f"training.init = {source} does not fill the network that it describes",
                details={"found": str(error).partition("\n")[0]},
                expected=", ".join(f"{name} = {start.network[name]!r}" for name in SHAPE),
                hint="a training without --init, which starts from random weights",
            )
        ) from error
    return f"the weights start from {source} (training.init)"

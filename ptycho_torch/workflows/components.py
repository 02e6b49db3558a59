"""The torch backend behind the command line: prepare, train, pack, unpack, reconstruct.

torch and Lightning are imported when a function is called, not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ptycho.bundle import Bundle
from ptycho_torch.config_factory import inference_payload as prepare_inference
from ptycho_torch.config_factory import training_payload as prepare_training

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.network.settings import NetworkSettings
    from ptycho.physics.scale import Normalisation
    from ptycho.raw_data import RawData
    from ptycho.reconstruction import Reconstruction
    from ptycho_torch.config_factory import TrainingPayload
    from ptycho_torch.nn.model import PtychoNetwork
    from ptyconf import Resolution

__all__ = [
    "Model",
    "Training",
    "pack",
    "prepare_inference",
    "prepare_training",
    "reconstruct",
    "train",
    "unpack",
]

BACKEND = "pytorch"

SMALL_NETWORK = 10**8
"""Numbers of a network that fits into any memory; its weights may tell best what is wrong with it."""


@dataclass(frozen=True)
class Model:
    """A network with the scales of the scan that it was trained on."""

    network: PtychoNetwork
    normalisation: Normalisation


@dataclass(frozen=True)
class Training:
    """What a training leaves.

    Attributes:
        model: With the weights of the best epoch.
        resolution: The settings with what was measured on the scan.
        history: One row for each epoch.
        seconds: Time spent in the training loop.
        device: Where it ran.
        best_epoch: Epoch of the weights (from 0), or None when none was finished.
        decisions: What was decided and why, one sentence each.
        interrupted: Whether Ctrl-C ended it.
    """

    model: Model
    resolution: Resolution
    history: list[dict[str, float]]
    seconds: float
    device: str
    best_epoch: int | None
    decisions: list[str]
    interrupted: bool


def train(prepared: TrainingPayload, scan: RawData, folder: Path) -> Training:
    """Train on a scan; leave checkpoints and metrics in the folder.

    Raises:
        ValueError: The settings and the scan do not go together.
    """
    from ptycho_torch.lit import train as lit

    trained = lit.train(prepared, scan, folder)
    return Training(
        model=Model(trained.network, trained.normalisation),
        resolution=_with_scales(prepared.resolution, trained.normalisation, scan),
        history=trained.history,
        seconds=trained.seconds,
        device=trained.device,
        best_epoch=trained.best_epoch,
        decisions=trained.decisions,
        interrupted=trained.interrupted,
    )


def _with_scales(resolution: Resolution, normalisation: Normalisation, scan: RawData) -> Resolution:
    """Put the scales of the scan on top of what the settings said; amplitudes leave the photons as set."""
    from ptyconf import Origin
    from ptyconf.sources import mapping

    measured = {"model.intensity_scale": normalisation.intensity_scale}
    how = "from the photons of a frame, which amplitudes do not tell"
    if normalisation.quantity == "counts":
        measured["training.nphotons"] = normalisation.nphotons
        how = "mean counts of the frames"
    source = None if scan.source is None else str(scan.source)
    origin = Origin("measured", source or "arrays in memory", how, file=source)
    layer = mapping.layer("measured", measured, kind="measured", origin=lambda _: origin)
    return resolution.with_layer(layer)


def pack(model: Model, resolution: Resolution, home: Path) -> Bundle:
    """Turn a model into what the bundle in that folder will hold."""
    from ptycho_torch.nn import weights
    from ptyconf.report import dump_toml, to_json

    return Bundle(
        backend=BACKEND,
        network=model.network.settings.as_dict(),
        normalisation=model.normalisation.as_dict(),
        probe=model.network.probe.detach().cpu().numpy(),
        weights=weights.export(model.network),
        settings_toml=dump_toml(resolution, folder=home),
        provenance=to_json(resolution),
    )


def unpack(bundle: Bundle) -> Model:
    """Turn what a bundle holds into a model.

    Raises:
        ValueError: The weights do not belong to the network that the bundle describes.
    """
    from ptycho.network.settings import NetworkSettings
    from ptycho.physics.scale import Normalisation
    from ptycho_torch.nn import weights
    from ptycho_torch.nn.model import PtychoNetwork

    normalisation = Normalisation.from_dict(bundle.normalisation)
    settings = NetworkSettings(**bundle.network)
    _require_like_size(settings, bundle)
    network = PtychoNetwork(settings, bundle.probe, normalisation.intensity_scale)
    weights.load(network, bundle.weights)
    return Model(network.eval(), normalisation)


def _require_like_size(settings: NetworkSettings, bundle: Bundle) -> None:
    """Refuse a network that is far larger than the weights in its bundle, before memory is taken for it."""
    import torch

    from ptycho_torch.nn.model import PtychoNetwork

    with torch.device("meta"):
        described = PtychoNetwork(settings, torch.zeros(bundle.probe.shape, dtype=torch.complex64), 1.0)
    wanted = sum(value.numel() for value in described.state_dict().values())
    held = sum(array.size for array in bundle.weights.values())
    if wanted > max(2 * held, SMALL_NETWORK):
        raise ValueError(
            f"the bundle describes a network of {wanted} numbers and holds {held}\n"
            "  expected  the weights of that network\n"
            "  try       the file as `ptycho train` wrote it"
        )


def reconstruct(model: Model, resolution: Resolution, scan: RawData) -> Reconstruction:
    """Reconstruct a scan with a model, on the device that the settings ask for.

    Raises:
        ValueError: The scan does not fit the model.
    """
    from ptycho.config.config import PyTorchExecutionConfig
    from ptycho_torch.lit import infer
    from ptycho_torch.lit.trainer import device_of

    execution = resolution.build(PyTorchExecutionConfig)
    if not resolution["training.positions_provided"]:
        scan = scan.at_nominal_positions()
    return infer.reconstruct(
        model.network,
        model.normalisation,
        scan,
        batch_size=infer.batch_size_of(execution, cast("int", resolution["inference.batch_size"])),
        device=device_of(execution),
        options=infer.Options(
            middle_trim=execution.middle_trim,
            pad_eval=execution.pad_eval,
            refine_epochs=cast("int", resolution["inference.refine_epochs"]),
            threads=execution.threads,
            debug=bool(resolution["inference.debug"]),
        ),
    )

"""``ptycho infer``: reconstruct a scan with a trained network."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.backends.every_scan import OpenedNetwork, open_for_every_scan
from ptycho.backends.light import changed_scans, learned_from, networks_of_scans, probe_of_training
from ptycho.backends.trained_network import OpenedBundle, open_network
from ptycho.bundle.archive import FILE_NAME
from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.run.bundle_layer import require_fixed, require_same_network
from ptycho.run.folder import building
from ptycho.run.identity import Identity
from ptycho.run.record import write_settings
from ptycho.run.settings import prepare_inference
from ptycho.run.stages import stage, telling
from ptycho.scan.scan_file import opened_once
from ptycho.settings.effect import settings_without_effect
from ptycho.training.resume import OTHER_SCANS
from ptycho.zoo.every_scan import PACKAGED
from ptyconf.sources import flags

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptycho.report.results import Results
    from ptycho.run.settings import InferenceSettings
    from ptycho.scan.raw_data import RawData
    from ptyconf import Layer, Resolution

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model, the scan, settings files and flags."""
    parser.add_argument(
        "model",
        type=Path,
        metavar="RUN_FOLDER",
        help=f"a run folder, its wts.h5.zip, or a network for all: {', '.join(PACKAGED)}",
    )
    parser.add_argument("--scan", type=Path, metavar="FILE.npz", help="the scan to reconstruct")
    options.add_strict(parser)
    options.add_sources(parser, "infer", files="*", metavar="SCAN|FILE.toml")


@opened_once()
def run(arguments: argparse.Namespace) -> int:
    """Resolve the settings above what the bundle says, and reconstruct."""
    trained = open_for_every_scan(arguments.model) or open_network(arguments.model)
    named = _named_files(trained.archive, arguments.scan)
    resolve = partial(options.resolve, arguments, "infer", extra_layers=[named], scan=arguments.scan)
    resolution = resolve(trained=trained.settings)
    scan = resolution.get("inference.test_data_file")
    if isinstance(trained, OpenedBundle) and scan is not None and not learned_from(trained, Path(str(scan))):
        trained = trained.for_another_scan()
        resolution = resolve(trained=trained.settings)
    with telling(on=bool(resolution["execution.enable_progress_bar"])):
        return infer(trained, resolution, resolve, strict=arguments.strict)


def infer(
    trained: OpenedBundle | OpenedNetwork,
    resolution: Resolution,
    resolve: Callable[..., Resolution],
    *,
    strict: bool = False,
) -> int:
    """Reconstruct into a folder that appears whole or not at all.

    Args:
        trained: The bundle, opened.
        resolution: The settings, with the layer of the bundle among them.
        resolve: Resolves them anew, with other settings of the network as `trained`.
        strict: Whether a picture that does not explain its frames is a failure.

    Raises:
        ConfigError: The scan is missing, or a setting contradicts the weights.
        ValueError: The bundle cannot be read, or the scan does not fit it.
    """
    options.require_scan(resolution, "inference.test_data_file", "Test data file not found")
    _require_same_network(resolution, trained)
    name = str(resolution["inference.backend"])
    load_backend(name).begin(resolution)
    # Weights that do not fit are refused before params.cfg is written.
    model = trained.load(name) if isinstance(trained, OpenedBundle) else None
    configurations = prepare_inference(resolution, name)
    scan = _read_scan(configurations.resolution)
    if isinstance(trained, OpenedBundle) and _was_replaced(trained, scan):
        other = trained.for_another_scan()
        return infer(other, resolve(trained=other.settings), resolve, strict=strict)
    return options.exit_code_of(_write(trained, model, resolution, configurations, scan), strict=strict)


def _write(
    trained: OpenedBundle | OpenedNetwork,
    model: Any,
    resolution: Resolution,
    configurations: InferenceSettings,
    scan: RawData,
) -> list[Results]:
    """Reconstruct each of the scans, and write the run.

    Args:
        trained: The bundle, opened.
        model: Its network in the hands of the backend, or None where each scan has its own.
        resolution: The settings that were asked for.
        configurations: Those that the scan was read by.
        scan: One scan, or several.
    """
    from ptycho.clients.halves import halves_of
    from ptycho.clients.search import settle
    from ptycho.clients.verdict import verdict_of
    from ptycho.report.markdown import write_results
    from ptycho.report.results import NETWORK, Results, name_of

    name = str(resolution["inference.backend"])
    backend = load_backend(name)
    probe = _known_probe(trained, scan, configurations.resolution)
    settled = settle(scan, configurations.resolution, name, _read_scan, probe=probe)
    if settled.scan is not scan:
        scan, configurations = settled.scan, prepare_inference(settled.resolution, name)
    networks = networks_of_scans(trained, scan, configurations.resolution)
    target = Path(str(resolution["inference.output_dir"]))
    notes = (*_note_of_backends(trained, name), *settings_without_effect("infer", resolution))
    for note in notes:
        _log.info("%s", note)
    with building(target, Identity("inference")) as folder:
        results = []
        for part, ready in zip(scan.parts, networks, strict=True):
            network = model if ready.network is trained and model is not None else ready.network.load(name)
            said = (*notes, ready.note) if ready.note else notes
            alone = partial(backend.reconstruct, network, configurations.resolution)
            with stage(f"reconstructing {part.name}"):
                reconstruction = alone(part)
            verdict = verdict_of(reconstruction, part, configurations.resolution, name)
            results.append(
                Results(
                    title=f"{target.name}: {name_of(part)} reconstructed",
                    resolution=configurations.resolution,
                    reconstruction=replace(reconstruction, notes=(*said, *reconstruction.notes)),
                    scan=part,
                    trained_on_it=learned_from(ready.network, part.source),
                    verdict=verdict,
                    halves=halves_of(
                        part,
                        (alone, alone),
                        verdict,
                        networks=1,
                        only=NETWORK,
                        asked=str(configurations.resolution["inference.halves"]),
                    ),
                )
            )
        write_settings(folder, configurations.resolution, home=target)
        write_results(folder, results)
    _log.info("%s: report.md, object.png, reconstruction.npz", target)
    return results


def _was_replaced(trained: OpenedBundle, scan: RawData) -> bool:
    """Tell, and warn, whether a file that a network learned from holds another scan by now."""
    names = changed_scans(trained, scan)
    if names:
        _log.warning(
            "the network %s %s, which was replaced since: "
            "it is taken for a scan that the network has not seen",
            OTHER_SCANS,
            " and ".join(names),
        )
    return bool(names)


def _known_probe(
    trained: OpenedBundle | OpenedNetwork, scan: RawData, resolution: Resolution
) -> NDArray[np.complex64] | None:
    """Give the probe that a network learned; one for every scan takes whatever is found for the scan.

    Raises:
        ValueError: A network for every scan does not take the frames' side: no search would change that.
    """
    if isinstance(trained, OpenedNetwork):
        trained.network.settings_for(scan.N, int(resolution["model.probe_modes"]))
        return None
    return probe_of_training(trained, scan, resolution)


def _require_same_network(resolution: Resolution, trained: OpenedBundle | OpenedNetwork) -> None:
    """Refuse settings that contradict the weights, whichever file they come from."""
    if isinstance(trained, OpenedBundle):
        require_same_network(resolution, trained.bundle)
    else:
        require_fixed(resolution, trained.network.shape)


def _note_of_backends(trained: OpenedBundle | OpenedNetwork, name: str) -> tuple[str, ...]:
    """Say that a network was trained by another backend than the one that uses it."""
    trainer = trained.bundle.trained_by.backend if isinstance(trained, OpenedBundle) else name
    return () if trainer == name else (f"the network was trained by {trainer} and reconstructs by {name}",)


def _named_files(archive: Path, scan: Path | None) -> Layer:
    place = archive.parent if archive.name == FILE_NAME else archive
    given: dict[str, object] = {"inference.model_path": place}
    words = {"inference.model_path": "RUN_FOLDER"}
    if scan is not None:
        given["inference.test_data_file"] = scan
        words["inference.test_data_file"] = "--scan"
    return flags.given(given, spelling=words, typed=True)


@stage("reading the scan")
def _read_scan(resolution: Resolution) -> RawData:
    """Read the scan, or as many of its frames as the settings ask for."""
    from ptycho.scan.reading import read_scans
    from ptycho.settings.data import ScanOptions

    scan = read_scans(str(resolution["inference.test_data_file"]), resolution.build(ScanOptions))
    asked = [resolution[f"inference.{name}"] for name in ("n_subsample", "n_groups")]
    wanted = min((int(str(count)) for count in asked if count is not None), default=scan.n_frames)
    if wanted >= scan.n_frames:
        return scan
    seed = resolution["inference.subsample_seed"]
    _log.info("%d of %d frames are reconstructed, drawn with seed %s", wanted, scan.n_frames, seed)
    drawn = np.random.default_rng(seed).choice(scan.n_frames, wanted, replace=False)
    return scan.subset(np.sort(drawn))


COMMAND = Command(
    help="reconstruct a scan with a trained network",
    order=20,
    add_arguments=add_arguments,
    run=run,
)

"""The plan of a training: everything that is settled before its first step."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import Normalisation
from ptycho.reconstruction.iteration import SweepLibrary
from ptycho.reconstruction.retrieved_picture import RetrievedPicture, read_pictures, write_pictures
from ptycho.run.record import settings_text
from ptycho.scan.frame_store import Indices, Stored, store_frames
from ptycho.scan.grouping import require_overlap
from ptycho.scan.raw_data import RawData
from ptycho.settings.effect import settings_without_effect
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.registries import LOGGERS, SCHEDULERS
from ptycho.settings.training import TrainingConfig
from ptycho.training.loss import Loss, LossWeights
from ptyconf import Resolution
from ptyconf.errors import error_text

from .cluster import require_machines
from .groups import Groups
from .journal import Journals, LastingJournal, Logger, OpenJournal, Row, find_logger
from .lights import ScanLight, amplitude_factor, lights_of, lights_of_scans, retrieve_probes
from .optimisation import Optimisation
from .probe import is_explicit
from .resume import EarlierTraining, carry_over
from .split import Sampling, Split, split, split_scans
from .start_weights import require_start
from .turned_frames import turn_by_beam
from .windows import split_windows

logger = logging.getLogger(__name__)


class TrainingConfigurations(Protocol):
    """The configurations of a training, as the factories of either backend make them."""

    @property
    def tf_training_config(self) -> TrainingConfig:
        """What the run reads, minimises and writes."""
        ...

    @property
    def execution_config(self) -> PyTorchExecutionConfig:
        """How it is carried out."""
        ...

    @property
    def resolution(self) -> Resolution:
        """Where every value came from."""
        ...


@dataclass(frozen=True)
class WatchedFolder:
    """The folder of a training, and who watches.

    Attributes:
        path: The folder; made when missing.
        watchers: What opens further journals beside the one that the settings name.
        written: Whether this process writes into it: not where another process of the same training does, nor
            where nobody asked for files.
    """

    path: Path
    watchers: Sequence[OpenJournal] = ()
    written: bool = True


@dataclass
class RunFolder:
    """The folder of a training, before anything is computed.

    Attributes:
        path: Where checkpoints and metrics go.
        logger: What writes its epochs down.
        earlier: The training that is resumed, or None.
        watchers: What opens further journals, for people who watch.
        written: Whether this process writes into it.
    """

    path: Path
    logger: Logger
    earlier: EarlierTraining | None = None
    watchers: Sequence[OpenJournal] = ()
    written: bool = True


def open_run_folder(
    configurations: TrainingConfigurations,
    folder: Path | WatchedFolder,
    read_checkpoint: Callable[[Path], EarlierTraining],
) -> RunFolder:
    """Make the folder of a training, and refuse at once what would fail only after its first epoch.

    Args:
        configurations: The configurations.
        folder: The folder; made when missing.
        read_checkpoint: Reads a checkpoint of the backend.

    Raises:
        ValueError: Scheduler or logger is unknown; the checkpoint or the weights to start from are no use.
    """
    watched = folder if isinstance(folder, WatchedFolder) else WatchedFolder(Path(folder))
    if watched.written:
        watched.path.mkdir(parents=True, exist_ok=True)
    training, execution = configurations.tf_training_config, configurations.execution_config
    SCHEDULERS[execution.scheduler]
    require_machines(execution.num_nodes)
    journal = find_logger(execution.logger_backend)
    require_start(training.init, NetworkSettings.of(training.model, training))
    earlier = None if training.resume is None else read_checkpoint(training.resume)
    return RunFolder(watched.path, journal, earlier, watched.watchers, watched.written)


@dataclass
class Plan:
    """Everything that is settled before a network is made.

    Attributes:
        configurations: The configurations that it comes from.
        folder: Where the training writes, and what it continues.
        settings: Shape of the network.
        weights: What is minimised.
        optimisation: How.
        lights: Probe, scales and bad pixels of each scan.
        scan: The scan, or several behind each other, at the positions that are used.
        scans: Fingerprint of each of them, by which a training that is resumed knows them again.
        groups: Which frames train, and which judge.
        stored: Gives normalised frames.
        monitor: Metric that ranks epochs.
        retrieved: Pictures that were retrieved with the probes of the scans, before this training or by the
            one that is resumed.
        notes: What was decided, one sentence each.
    """

    configurations: TrainingConfigurations
    folder: RunFolder
    settings: NetworkSettings
    weights: LossWeights
    optimisation: Optimisation
    lights: tuple[ScanLight, ...]
    scan: RawData
    scans: tuple[str, ...]
    groups: Split
    stored: Stored
    monitor: str
    retrieved: tuple[RetrievedPicture, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def normalisation(self) -> Normalisation:
        """Scales of the scan, of the first where there are several."""
        return self.lights[0].normalisation

    @property
    def probe(self) -> NDArray[np.complex64]:
        """Modes of the scan, of the first where there are several, on the network's scale (P, N, N)."""
        return self.lights[0].probe

    @property
    def training(self) -> TrainingConfig:
        """What the run reads, minimises and writes."""
        return self.configurations.tf_training_config

    @property
    def execution(self) -> PyTorchExecutionConfig:
        """How it is carried out."""
        return self.configurations.execution_config

    @property
    def earlier(self) -> EarlierTraining | None:
        """The training that is resumed, or None."""
        return self.folder.earlier

    @property
    def batch_size(self) -> int:
        """Groups of a step; a window of a scan is a step by itself."""
        return 1 if self.settings.kind.whole_scan else self.training.batch_size

    @property
    def hyperparameters(self) -> dict[str, dict[str, Any]]:
        """What a checkpoint keeps so that its network can be made again, JSON types."""
        return {
            "network": self.settings.as_dict(),
            "loss": asdict(self.weights),
            "optimisation": asdict(self.optimisation),
            "normalisation": self.normalisation.as_dict(),
        }

    @property
    def settings_toml(self) -> str:
        """The settings of the training, as the text of a settings file."""
        return settings_text(self.configurations.resolution)

    @property
    def used_frames(self) -> Indices:
        """Sorted indices of the frames that train or judge."""
        return _used(self.groups)

    def batches_of(self, indices: Indices) -> Groups:
        """Give groups of the scan as what batches are read from.

        Args:
            indices: Frames of the groups, shape (groups, C): those of `groups.train` or `groups.validation`.
        """
        return Groups(
            self.scan,
            indices,
            self.stored.store,
            labelled=self.weights.labelled,
            phase_subtraction=bool(self.configurations.resolution["data.phase_subtraction"]),
        )

    def open_journals(self, rows: Sequence[Row]) -> Journals:
        """Open what epochs are written down in.

        Args:
            rows: Epochs of the training that is resumed.
        """
        folder = self.folder
        watchers = [open_journal(folder.path, rows) for open_journal in folder.watchers]
        logger = folder.logger if folder.written or folder.logger.elsewhere() else LOGGERS["none"]
        journal = LastingJournal(lambda: logger.open(folder.path, rows))
        return Journals(journal, watchers, self.configurations.resolution)

    def give_lights(self, loss: Loss) -> None:
        """Let a loss know the light of each scan, where there are several.

        Raises:
            ValueError: The probe is to be learned, of which a network has one.
        """
        loss.lights = lights_of(loss.ops, self.lights, self.settings)
        loss.ceiling = self.lights[0].ceiling

    def conclude(self, *notes: str | None) -> None:
        """Add what a backend decided, log all notes, and leave what was retrieved or is there already."""
        self.notes += filter(None, notes)
        for note in self.notes:
            logger.info("%s", note)
        if self.folder.written:
            # Before the first checkpoint: who goes on from that finds it.
            write_pictures(self.folder.path, self.retrieved)
        if self.earlier is not None and self.folder.written:
            carry_over(self.earlier, self.folder.path, last=self.execution.enable_checkpointing)


def make_plan(
    configurations: TrainingConfigurations, scan: RawData, folder: RunFolder, library: SweepLibrary
) -> Plan:
    """Turn settings and scan into a plan, deciding what is left open.

    Args:
        configurations: The configurations.
        scan: What to learn from.
        folder: Where the training writes, and what it continues.
        library: Retrieves the probe before the network relies on it.

    Raises:
        ValueError: Settings, scan or checkpoint do not belong together.
    """
    training, resolution = configurations.tf_training_config, configurations.resolution
    settings = NetworkSettings.of(training.model, training)
    weights = LossWeights.of(training)
    _require_side(scan, settings)
    if settings.model_type == "supervised":
        scan.labels([0])  # Says that there are none before any work is done.
    scan, placed = _at_positions(scan, training)
    lights, notes = lights_of_scans(scan, training, resolution)
    settings, turned = turn_by_beam(settings, training.model.turn_frames, lights[0].probe, folder.earlier)
    _require_fitting(folder.earlier, settings, training)
    scans = tuple(part.fingerprint() for part in scan.parts)
    notes += _require_same_scans(folder.earlier, scans, scan, training)
    notes += [*turned, *placed, *settings_without_effect("train", resolution)]
    whole = settings.kind.whole_scan
    groups = split_scans(
        scan.positions,
        _sampling(training, resolution),
        scan.part_rows,
        split_windows if whole else split,
    )
    monitor, replaced = _choose_monitor(
        configurations.execution_config.checkpoint_monitor_metric, groups, weights
    )
    overlap = None if whole else require_overlap(scan.positions, groups.train, scan.N)
    stored = store_frames(scan, amplitude_factor(scan, lights), _used(groups))
    notes += [*groups.notes, *filter(None, (replaced, overlap, stored.note))]
    retrieved: tuple[RetrievedPicture, ...] = ()
    if folder.earlier is not None:
        notes += folder.earlier.notes(training.nepochs)
        earlier_pictures = read_pictures(folder.earlier.path.parent)
        retrieved = tuple(picture for picture in earlier_pictures if picture.scan in scans)
    elif training.probe_warmup_epochs > 0:
        lights, retrieved, told = retrieve_probes(lights, scan, groups, stored, training, library)
        notes += told
    watched = "val_loss" if len(groups.validation) else "train_loss"
    return Plan(
        configurations=configurations,
        folder=folder,
        settings=settings,
        weights=weights,
        optimisation=Optimisation.of(training, configurations.execution_config, watched),
        lights=tuple(lights),
        scan=scan,
        scans=scans,
        groups=groups,
        stored=stored,
        monitor=monitor,
        retrieved=retrieved,
        notes=notes,
    )


def _used(groups: Split) -> Indices:
    return np.unique(np.concatenate([groups.train.ravel(), groups.validation.ravel()]))


def _sampling(training: TrainingConfig, resolution: Resolution) -> Sampling:
    return Sampling.of(training, clamped=not is_explicit(resolution, "training.n_groups"))


def _at_positions(scan: RawData, training: TrainingConfig) -> tuple[RawData, list[str]]:
    """Lay the frames at their measured positions, or at the nominal ones where none were measured."""
    if training.positions_provided:
        return scan, []
    alike = np.array_equal(scan.positions, scan.nominal_positions)
    which = "the only ones that the scan has" if alike else "not the measured ones"
    return scan.at_nominal_positions(), [
        f"the nominal positions are used, {which} (training.positions_provided = false)"
    ]


def _require_fitting(
    earlier: EarlierTraining | None, settings: NetworkSettings, training: TrainingConfig
) -> None:
    if earlier is not None:
        earlier.require_same_network(settings.as_dict())
        earlier.require_epochs_left(training.nepochs)


def _require_same_scans(
    earlier: EarlierTraining | None, scans: tuple[str, ...], scan: RawData, training: TrainingConfig
) -> list[str]:
    """Accept the scans of an earlier training; say where others follow a checkpoint that was named.

    Raises:
        ValueError: They are others.
    """
    if earlier is None or training.resume is None:
        return []
    names = " and ".join(part.name for part in scan.parts)
    unknown = earlier.note_of_unknown_scans(names)
    if Path(training.resume).is_file():
        return [*unknown, *earlier.note_of_other_scans(scans, names)]
    earlier.require_same_scans(scans, names)
    return unknown


def _require_side(scan: RawData, settings: NetworkSettings) -> None:
    if scan.N != settings.N:
        crop = f", or data.crop_px = {settings.N}" if settings.N < scan.N else ""
        raise ValueError(
            error_text(
                f"the frames of {scan.source or 'the scan'} have {scan.N} x {scan.N} pixels, and model.N is "
                f"{settings.N}",
                expected=f"frames of {settings.N} x {settings.N} pixels after data.crop_px and data.bin",
                hint=f"model.N = {scan.N}{crop}",
            )
        )


def _choose_monitor(name: str, groups: Split, weights: LossWeights) -> tuple[str, str | None]:
    """Find the metric that ranks epochs; without held-out frames the training loss stands in."""
    known = [f"{stage}_{term}" for stage in ("train", "val") for term in ("loss", *weights.terms())]
    if name not in known:
        raise ValueError(
            error_text(
                f"checkpoint_monitor_metric '{name}' is none of the metrics of this training",
                expected=f"one of {', '.join(known)}",
                hint='execution.checkpoint_monitor_metric = "val_loss"',
            )
        )
    if name.startswith("val_") and not len(groups.validation):
        stand_in = "train_" + name.removeprefix("val_")
        return stand_in, f"nothing is held out: {stand_in} ranks the epochs in place of {name}"
    return name, None

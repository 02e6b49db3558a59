"""A plan becomes a Lightning module and its loaders."""

from dataclasses import dataclass, field

import numpy as np
from torch.utils.data import DataLoader

from ptycho.physics.sweeps import Steps
from ptycho.scan.frame_store import Indices
from ptycho.scan.raw_data import RawData
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.groups import Groups
from ptycho.training.preparation import Plan, Prepared, Probe, ProbeTask, make_plan
from ptycho.training.resume import Resumed
from ptycho_torch.nn.probe_retrieval import retrieve_probe

from .data import Batch, TorchGroups, loader_arguments, make_loader, place_frames
from .module import PtychoModule
from .trainer import device_of, precision_of, require_device

Loader = DataLoader[Batch]


@dataclass
class Job:
    """Everything that stands before the first step."""

    module: PtychoModule
    train: Loader
    validation: Loader | None
    monitor: str
    notes: list[str] = field(default_factory=list)


def prepare(
    prepared: Prepared, scan: RawData, resumed: Resumed | None, kind: type[PtychoModule] = PtychoModule
) -> Job:
    """Turn settings and scan into a module with fresh weights and its loaders, deciding what is left open.

    Args:
        prepared: The configurations.
        scan: What to learn from.
        resumed: What the checkpoint says that the training continues from.
        kind: Class of the module.

    Raises:
        ValueError: Settings, scan or checkpoint do not belong together.
    """
    execution = prepared.execution_config
    require_device(execution)
    plan = _settle(prepared, scan, resumed)
    module = kind.fresh(plan)
    loaders, more = _make_loaders(plan, execution, prepared.tf_training_config.batch_size)
    notes = [*plan.notes, *more, *filter(None, [precision_of(execution)[1]])]
    return Job(module, *loaders, plan.monitor, notes)


def _settle(prepared: Prepared, scan: RawData, resumed: Resumed | None) -> Plan:
    """Make the plan; the probe is retrieved on the device of the settings."""

    def retrieve(task: ProbeTask) -> tuple[Probe, list[float]]:
        found = retrieve_probe(
            task.frames,
            task.positions,
            task.probe,
            sweeps=task.sweeps,
            mask=task.mask,
            steps=Steps(seed=task.seed),
            device=device_of(prepared.execution_config),
        )
        return found.probe, found.misfits

    return make_plan(prepared, scan, resumed, retrieve)


def _make_loaders(
    plan: Plan, execution: PyTorchExecutionConfig, batch_size: int
) -> tuple[tuple[Loader, Loader | None], list[str]]:
    device = device_of(execution)
    arguments, notes = loader_arguments(execution, device)
    used = np.unique(np.concatenate([plan.groups.train.ravel(), plan.groups.validation.ravel()]))
    store, note = place_frames(plan.stored.store, used, plan.scan.N, device, workers=execution.num_workers)
    if note is not None:
        notes.append(note)
        if arguments.pop("pin_memory", False):
            notes.append("execution.pin_memory has nothing to act on: the frames lie on the device")

    def groups(indices: Indices) -> TorchGroups:
        table = Groups(
            plan.scan,
            indices,
            plan.stored.store,
            labelled=plan.weights.labelled,
            phase_subtraction=plan.phase_subtraction,
        )
        return TorchGroups(table, store)

    first = make_loader(groups(plan.groups.train), batch_size, arguments, shuffle_seed=plan.seed)
    if not len(plan.groups.validation):
        return (first, None), notes
    return (first, make_loader(groups(plan.groups.validation), batch_size, arguments)), notes

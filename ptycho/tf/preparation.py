"""A plan becomes a module and the batches that it learns from."""

from dataclasses import asdict, dataclass, field
from typing import Any

import tensorflow as tf

from ptycho.physics.sweeps import Steps
from ptycho.scan.frame_store import Indices
from ptycho.scan.raw_data import RawData
from ptycho.training.execution import settle_precision
from ptycho.training.groups import Groups
from ptycho.training.preparation import Plan, Prepared, Probe, ProbeTask, make_plan
from ptycho.training.resume import Resumed

from .data import Batches, Loading
from .module import Arithmetic, PtychoModule
from .probe_retrieval import retrieve_probe
from .strategy import Place


@dataclass
class Source:
    """Groups in batches, and the dataset that serves them where the training runs."""

    batches: Batches
    dataset: Any

    def start(self, epoch: int) -> Any:
        """Begin an epoch."""
        self.batches.set_epoch(epoch)
        return iter(self.dataset)


@dataclass
class Job:
    """Everything that stands before the first step."""

    plan: Plan
    place: Place
    arithmetic: Arithmetic
    module: PtychoModule
    train: Source
    validation: Source | None
    notes: list[str] = field(default_factory=list)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What a checkpoint keeps of the settings, JSON types."""
        return {
            "network": self.plan.settings.as_dict(),
            "loss": asdict(self.plan.weights),
            "optimisation": asdict(self.plan.optimisation),
            "normalisation": self.plan.normalisation.as_dict(),
        }


def prepare(prepared: Prepared, scan: RawData, place: Place, resumed: Resumed | None) -> Job:
    """Turn settings and scan into a module with fresh weights and its batches, deciding what is left open.

    Args:
        prepared: The configurations.
        scan: What to learn from.
        place: Where to compute.
        resumed: What the checkpoint says that the training continues from.

    Raises:
        ValueError: Settings, scan or checkpoint do not belong together.
    """
    execution = prepared.execution_config
    plan = _settle(prepared, scan, place, resumed)
    precision, coarser = settle_precision(execution)
    arithmetic = Arithmetic(precision, execution.accum_steps)
    module = PtychoModule.fresh(plan, place, arithmetic)
    loading, idle = Loading.of(execution)
    size = prepared.tf_training_config.batch_size
    train = _source(plan, place, loading, plan.groups.train, size, shuffled=True)
    validation = None
    if len(plan.groups.validation):
        validation = _source(plan, place, loading, plan.groups.validation, size)
    notes = [*plan.notes, *idle, *filter(None, [coarser, place.note])]
    return Job(plan, place, arithmetic, module, train, validation, notes)


def _settle(prepared: Prepared, scan: RawData, place: Place, resumed: Resumed | None) -> Plan:
    """Make the plan; the probe is retrieved on the first device."""

    def retrieve(task: ProbeTask) -> tuple[Probe, list[float]]:
        found = retrieve_probe(
            task.frames,
            task.positions,
            task.probe,
            sweeps=task.sweeps,
            mask=task.mask,
            steps=Steps(seed=task.seed),
            device=place.devices[0],
        )
        return found.probe, found.misfits

    return make_plan(prepared, scan, resumed, retrieve)


def _source(
    plan: Plan, place: Place, loading: Loading, indices: Indices, size: int, *, shuffled: bool = False
) -> Source:
    groups = Groups(
        plan.scan,
        indices,
        plan.stored.store,
        labelled=plan.weights.labelled,
        phase_subtraction=plan.phase_subtraction,
    )
    seed = plan.seed if shuffled else None
    batches = Batches(groups, size, plan.scan.N, shuffle_seed=seed, replicas=place.replicas)
    if place.replicas == 1:
        return Source(batches, batches.dataset(loading))

    def serve(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = place.replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return batches.dataset(loading, range(first, first + local))

    return Source(batches, place.strategy.distribute_datasets_from_function(serve))

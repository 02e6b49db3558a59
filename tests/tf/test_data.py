"""Batches of normalised groups."""

import numpy as np
import pytest

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho.scan.frame_store import LazyFrames
from ptycho.tf.data import BATCHES_AHEAD, Batches, BatchLoading
from ptycho.training.groups import Batch, Groups, epoch_order


@pytest.fixture
def scales(tiny_scan: RawData) -> Normalisation:
    """The scales of the small scan."""
    return measure(tiny_scan.mean_square(), 64, "counts", None, np.asarray(tiny_scan.probe_modes))


def groups_of(scan: RawData, scales: Normalisation, gridsize: int = 2, **more: bool) -> Groups:
    """Make groups such that every frame leads one."""
    rows = np.arange(scan.n_frames)
    indices = np.stack([np.roll(rows, -shift) for shift in range(gridsize**2)], axis=1)
    return Groups(scan, indices, LazyFrames(scan, scales.amplitude_factor), **more)


def served(batches: Batches, loading: BatchLoading, replicas: range | None = None) -> list[list[np.ndarray]]:
    """Serve an epoch."""
    return [[part.numpy() for part in batch] for batch in batches.dataset(loading, replicas)]


def visited(batches: Batches, replica: int = 0) -> list[int]:
    """List the groups of an epoch in the order in which a device sees them."""
    return [row for step in range(len(batches)) for row in batches.rows(step, replica)]


def test_batch_holds_groups_in_order(tiny_scan: RawData, scales: Normalisation) -> None:
    """X[b, c] is the frame of position c of group b; offsets are the group mean minus the position."""
    groups = groups_of(tiny_scan, scales)
    batch = Batch(*next(iter(Batches(groups, 5).dataset(BatchLoading()))))
    frame = tiny_scan.amplitudes([groups.indices[3, 2]])[0] * np.float32(scales.amplitude_factor)
    assert batch.X.shape == (5, 4, 64, 64)
    assert np.array_equal(batch.X[3, 2], frame)
    members = tiny_scan.positions[groups.indices[3]]
    assert batch.relative[3].numpy() == pytest.approx(members.mean(0) - members, abs=1e-4)
    assert batch.labels is None


def test_labels_come_last(tiny_scan: RawData, scales: Normalisation) -> None:
    """Where the loss compares with labels, a batch carries the scan's patches of the same groups."""
    groups = groups_of(tiny_scan, scales, labelled=True, phase_subtraction=False)
    batch = Batch(*next(iter(Batches(groups, 5).dataset(BatchLoading()))))
    assert batch.labels is not None
    assert batch.labels.dtype == np.complex64
    assert np.array_equal(batch.labels[3], tiny_scan.labels(groups.indices[3]).astype(np.complex64))


def test_shapes_are_known_before_a_batch_is(tiny_scan: RawData, scales: Normalisation) -> None:
    """A step is compiled once: of all sizes, only that of the last batch is open."""
    batches = Batches(groups_of(tiny_scan, scales, labelled=True), 5)
    shapes = [spec.shape.as_list() for spec in batches.dataset(BatchLoading()).element_spec]
    assert shapes == [[None, 4, 64, 64], [None, 4, 2], [None], [None, 4, 64, 64]]


def test_unshuffled_batches_serve_all_in_order(tiny_scan: RawData, scales: Normalisation) -> None:
    """Without a seed all groups come in order, the last batch being what is left."""
    groups = groups_of(tiny_scan, scales, gridsize=1)
    batches = Batches(groups, 16)
    found = served(batches, BatchLoading())
    assert [len(X) for X, *_ in found] == [16, 16, 4]
    assert len(batches) == 3
    assert np.array_equal(np.concatenate([X for X, *_ in found]), groups.batch(range(36)).X)
    batches.set_epoch(1)
    assert visited(batches) == list(range(36))


def test_every_epoch_visits_all_in_its_own_order(tiny_scan: RawData, scales: Normalisation) -> None:
    """An order is a permutation that seed and epoch alone decide."""
    groups = groups_of(tiny_scan, scales, gridsize=1)
    orders = {}
    for seed, epoch in [(0, 0), (0, 1), (1, 0)]:
        batches = Batches(groups, 8, shuffle_seed=seed)
        batches.set_epoch(epoch)
        orders[seed, epoch] = visited(batches)
        assert sorted(orders[seed, epoch]) == list(range(36))
    assert len({tuple(order) for order in orders.values()}) == 3


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (7, 3)])
def test_orders_are_those_of_both_backends(
    tiny_scan: RawData, scales: Normalisation, seed: int, epoch: int
) -> None:
    """Groups come as `epoch_order` says, from which torch takes its orders too."""
    batches = Batches(groups_of(tiny_scan, scales, gridsize=1), 8, shuffle_seed=seed)
    batches.set_epoch(epoch)
    assert visited(batches) == epoch_order(seed, epoch, 36).tolist()


def test_dataset_follows_the_epoch(tiny_scan: RawData, scales: Normalisation) -> None:
    """One dataset serves every epoch: it takes the order in force when it is started."""
    groups = groups_of(tiny_scan, scales, gridsize=1)
    batches = Batches(groups, 36, shuffle_seed=4)
    dataset = batches.dataset(BatchLoading())
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        [(X, *_)] = dataset
        assert np.array_equal(X, groups.batch(epoch_order(4, epoch, 36)).X)


@pytest.mark.parametrize("replicas", [2, 5])
def test_replicas_share_evenly(tiny_scan: RawData, scales: Normalisation, replicas: int) -> None:
    """Each device has as many groups, all together see all of them, and only the first come again."""
    batches = Batches(groups_of(tiny_scan, scales, gridsize=1), 4, shuffle_seed=2, replicas=replicas)
    seen = [visited(batches, replica) for replica in range(replicas)]
    share = -(-36 // replicas)
    assert [len(rows) for rows in seen] == [share] * replicas
    assert len(batches) == -(-share // 4)
    order = epoch_order(2, 0, 36).tolist()
    assert sorted(row for rows in seen for row in rows) == sorted(order + order[: share * replicas - 36])


def test_replicas_share_the_batch_of_one(tiny_scan: RawData, scales: Normalisation) -> None:
    """A step of two devices looks at the groups that one device has in a batch of twice the size."""
    groups = groups_of(tiny_scan, scales, gridsize=1)
    alone = Batches(groups, 6, shuffle_seed=2)
    shared = Batches(groups, 3, shuffle_seed=2, replicas=2)
    assert len(alone) == len(shared) == 6
    for step in range(6):
        together = np.concatenate([shared.rows(step, replica) for replica in range(2)])
        assert set(together) == set(alone.rows(step))


def test_replicas_are_served_in_turn(tiny_scan: RawData, scales: Normalisation) -> None:
    """Within each step every device gets its batch; a worker serves its own devices only."""
    groups = groups_of(tiny_scan, scales, gridsize=1)
    batches = Batches(groups, 9, shuffle_seed=2, replicas=2)
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    expected = [batches.arrays(*place)[0] for place in places]
    assert np.array_equal([X for X, *_ in served(batches, BatchLoading())], expected)
    assert np.array_equal([X for X, *_ in served(batches, BatchLoading(), range(1, 2))], expected[1::2])


@pytest.mark.parametrize("ahead", [1, 4])
def test_threads_serve_the_same_batches(tiny_scan: RawData, scales: Normalisation, ahead: int) -> None:
    """However many threads gather side by side, the batches and their order are those of one."""
    batches = Batches(groups_of(tiny_scan, scales), 5, shuffle_seed=3)
    one, many = served(batches, BatchLoading()), served(batches, BatchLoading(workers=3, ahead=ahead))
    assert len(one) == len(many) == 8
    for alone, beside in zip(one, many, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(alone, beside, strict=True))


@pytest.mark.parametrize(
    ("settings", "workers", "ahead"),
    [
        ({}, 0, BATCHES_AHEAD),
        ({"num_workers": 3}, 3, 3 * BATCHES_AHEAD),
        ({"prefetch_factor": 5}, 0, 5),
        ({"num_workers": 2, "prefetch_factor": 5}, 2, 10),
    ],
)
def test_loading_follows_the_settings(settings: dict[str, int], workers: int, ahead: int) -> None:
    """num_workers threads gather, each with prefetch_factor batches held ready."""
    execution = PyTorchExecutionConfig(accelerator="cpu", **settings)  # type: ignore[arg-type]
    assert BatchLoading.of(execution) == (BatchLoading(workers, ahead), [])


def test_idle_settings_are_told() -> None:
    """Settings of torch's loader without a counterpart are named, with the reason."""
    execution = PyTorchExecutionConfig(
        accelerator="cpu", num_workers=1, persistent_workers=True, pin_memory=True
    )
    loading, notes = BatchLoading.of(execution)
    assert loading == BatchLoading(1, BATCHES_AHEAD)
    assert notes == [
        (
            "execution.persistent_workers has nothing to act on: TensorFlow loads in threads, "
            "which stay between epochs"
        ),
        "execution.pin_memory has nothing to act on: TensorFlow pins what it copies to a GPU",
    ]

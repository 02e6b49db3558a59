"""Batches of normalised groups."""

import numpy as np
import pytest
import torch

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho.scan.frame_store import LazyFrames
from ptycho.training.groups import Groups
from ptycho_torch.lit import data

CPU = torch.device("cpu")


@pytest.fixture
def scales(tiny_scan: RawData) -> Normalisation:
    """The scales of the small scan."""
    return measure(tiny_scan.mean_square(), 64, "counts", None, np.asarray(tiny_scan.probe_modes))


def groups_of(scan: RawData, scales: Normalisation, gridsize: int = 2, **more: bool) -> data.TorchGroups:
    """Make a dataset in which every frame leads one group."""
    rows = np.arange(scan.n_frames)
    indices = np.stack([np.roll(rows, -shift) for shift in range(gridsize**2)], axis=1)
    store = LazyFrames(scan, scales.amplitude_factor)
    return data.TorchGroups(Groups(scan, indices, store, **more), data.HostFrames(store))


def test_frames_on_the_device_are_those_of_the_host(tiny_scan: RawData, scales: Normalisation) -> None:
    """Frames held on a device are, bit for bit, those of the store, longer than one chunk or not."""
    store = LazyFrames(tiny_scan, scales.amplitude_factor)
    used = np.array([1, 4, 9, 30])
    held = data.DeviceFrames(store, used, 64, CPU)
    asked = np.array([30, 4, 4, 1])
    assert torch.equal(held.frames(asked), data.HostFrames(store).frames(asked))


def test_frames_stay_on_the_host_without_a_gpu(tiny_scan: RawData, scales: Normalisation) -> None:
    """The CPU takes them from where they are, and nothing is said."""
    store = LazyFrames(tiny_scan, scales.amplitude_factor)
    placed, note = data.place_frames(store, np.arange(4), 64, CPU)
    assert isinstance(placed, data.HostFrames)
    assert note is None


def test_batch_holds_groups_in_order(tiny_scan: RawData, scales: Normalisation) -> None:
    """X[b, c] is the frame of position c of group b; offsets are the group mean minus the position."""
    dataset = groups_of(tiny_scan, scales)
    batch = dataset.__getitems__([7, 3])
    frame = tiny_scan.amplitudes([dataset.groups.indices[3, 2]])[0] * np.float32(scales.amplitude_factor)
    assert batch.X.shape == (2, 4, 64, 64)
    assert np.array_equal(batch.X[1, 2].numpy(), frame)
    members = tiny_scan.positions[dataset.groups.indices[3]]
    assert batch.relative[1].numpy() == pytest.approx(members.mean(0) - members, abs=1e-4)
    assert batch.labels is None


def test_every_epoch_visits_all_in_its_own_order() -> None:
    """An order is a permutation that seed and epoch alone decide."""
    orders = {}
    for seed, epoch in [(0, 0), (0, 1), (1, 0)]:
        sampler = data.EpochShuffle(range(50), seed)
        sampler.set_epoch(epoch)
        orders[seed, epoch] = list(sampler)
        assert sorted(orders[seed, epoch]) == list(range(50))
        assert orders[seed, epoch] == list(sampler)
    assert len({tuple(order) for order in orders.values()}) == 3
    assert len(sampler) == 50


def test_loader_serves_every_group_once(tiny_scan: RawData, scales: Normalisation) -> None:
    """An unshuffled loader gives all groups in order, the last batch being what is left."""
    dataset = groups_of(tiny_scan, scales, gridsize=1)
    loader = data.make_loader(dataset, 16, {"num_workers": 0})
    batches = list(loader)
    assert [len(batch.X) for batch in batches] == [16, 16, 8]
    assert torch.equal(torch.cat([batch.X for batch in batches]), dataset.__getitems__(range(40)).X)


def arguments(device: str, **settings: object) -> tuple[dict[str, object], list[str]]:
    """Turn execution settings into a loader's arguments."""
    execution = PyTorchExecutionConfig(accelerator="cpu", **settings)  # type: ignore[arg-type]
    return data.loader_arguments(execution, torch.device(device))


def test_workers_get_their_settings() -> None:
    """num_workers, persistent_workers and prefetch_factor reach torch's loader."""
    given, notes = arguments("cpu", num_workers=2, persistent_workers=True, prefetch_factor=3)
    assert given == {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 3}
    assert notes == []


def test_idle_worker_settings_are_told() -> None:
    """Without workers their settings have nothing to act on, and the log says so."""
    given, notes = arguments("cpu", persistent_workers=True, prefetch_factor=3)
    assert given == {"num_workers": 0}
    assert notes == [
        "execution.persistent_workers has nothing to act on: execution.num_workers is 0",
        "execution.prefetch_factor has nothing to act on: execution.num_workers is 0",
    ]


def test_memory_is_pinned_for_gpus_only() -> None:
    """pin_memory reaches the loader for CUDA; elsewhere the log says that it has nothing to act on."""
    assert arguments("cuda", pin_memory=True) == ({"num_workers": 0, "pin_memory": True}, [])
    given, notes = arguments("cpu", pin_memory=True)
    assert given == {"num_workers": 0}
    assert notes == ["execution.pin_memory has nothing to act on: the work is done on cpu"]

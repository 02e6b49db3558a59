"""Batches of normalised groups."""

import dataclasses

import numpy as np
import pytest
import torch

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho.scan.errors import ScanError
from ptycho_torch.lit import data

CPU = torch.device("cpu")


@pytest.fixture
def scales(tiny_scan: RawData) -> Normalisation:
    """The scales of the small scan."""
    return measure(tiny_scan.mean_square(), 64, "counts", None, np.asarray(tiny_scan.probe_modes))


def groups_of(scan: RawData, scales: Normalisation, gridsize: int = 2, **more: bool) -> data.Groups:
    """Make a dataset in which every frame leads one group."""
    rows = np.arange(scan.n_frames)
    groups = np.stack([np.roll(rows, -shift) for shift in range(gridsize**2)], axis=1)
    return data.Groups(scan, groups, data.LazyFrames(scan, scales.amplitude_factor), **more)


def test_frames_have_the_energy_of_the_convention(tiny_scan: RawData, scales: Normalisation) -> None:
    """The mean over frames of sum X² is (N/2)²."""
    X = data.LazyFrames(tiny_scan, scales.amplitude_factor).frames(np.arange(tiny_scan.n_frames))
    assert X.dtype == torch.float32
    assert float(X.square().sum((1, 2)).mean()) == pytest.approx(32**2, rel=1e-5)


def test_batch_holds_groups_in_order(tiny_scan: RawData, scales: Normalisation) -> None:
    """X[b, c] is the frame of position c of group b; offsets are the group mean minus the position."""
    dataset = groups_of(tiny_scan, scales)
    batch = dataset.__getitems__([7, 3])
    frame = tiny_scan.amplitudes([dataset.groups[3, 2]])[0] * np.float32(scales.amplitude_factor)
    assert batch.X.shape == (2, 4, 64, 64)
    assert np.array_equal(batch.X[1, 2].numpy(), frame)
    members = tiny_scan.positions[dataset.groups[3]]
    assert batch.relative[1].numpy() == pytest.approx(members.mean(0) - members, abs=1e-4)
    assert batch.labels is None


def test_memory_and_file_give_the_same_frames(tiny_scan: RawData, scales: Normalisation) -> None:
    """Frames held in memory are, bit for bit, those read when they are needed."""
    lazy = data.LazyFrames(tiny_scan, scales.amplitude_factor)
    used = np.array([1, 4, 9, 30])
    resident = data.ResidentFrames(lazy, used, CPU)
    asked = np.array([30, 4, 4, 1])
    assert torch.equal(resident.frames(asked), lazy.frames(asked))


def test_chunks_fill_the_memory_completely(
    tiny_scan: RawData, scales: Normalisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan longer than one chunk is read whole."""
    monkeypatch.setattr(data.ResidentFrames, "CHUNK", 7)
    lazy = data.LazyFrames(tiny_scan, scales.amplitude_factor)
    used = np.arange(tiny_scan.n_frames)
    assert torch.equal(data.ResidentFrames(lazy, used, CPU).frames(used), lazy.frames(used))


def test_large_scans_stay_in_the_file(
    tiny_scan: RawData, scales: Normalisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size decides: what does not fit a quarter of the free memory is read when it is needed."""
    used = np.arange(tiny_scan.n_frames)
    held = data.store_frames(tiny_scan, scales.amplitude_factor, used, CPU)
    assert isinstance(held.store, data.ResidentFrames)
    assert held.note == "frames are held in memory (1 MB)"
    monkeypatch.setattr(data, "free_bytes", lambda: 10**6)
    read = data.store_frames(tiny_scan, scales.amplitude_factor, used, CPU)
    assert isinstance(read.store, data.LazyFrames)
    assert read.note == "frames are read when they are needed (1 MB in all)"


def test_free_memory_is_a_plausible_number() -> None:
    """The system tells of more than a megabyte."""
    assert data.free_bytes() > 2**20


def test_labels_are_the_patches_of_the_frames(tiny_scan: RawData, scales: Normalisation) -> None:
    """A labelled batch carries each frame's object patch."""
    dataset = groups_of(tiny_scan, scales, labelled=True, phase_subtraction=False)
    labels = dataset[5].labels
    assert labels is not None
    assert labels.shape == (1, 4, 64, 64)
    assert np.array_equal(labels[0, 1].numpy(), tiny_scan.labels([dataset.groups[5, 1]])[0])


def test_labels_lose_the_mean_phase_of_their_group(tiny_scan: RawData, scales: Normalisation) -> None:
    """The diffraction does not tell a group's mean phase, so labels have none; within the group it stays."""
    kept = groups_of(tiny_scan, scales, labelled=True, phase_subtraction=False)[5].labels
    freed = groups_of(tiny_scan, scales, labelled=True)[5].labels
    assert kept is not None
    assert freed is not None
    assert abs(float(kept.sum().angle())) > 1e-3
    assert float(freed.sum().angle()) == pytest.approx(0.0, abs=1e-5)
    turned = (freed * kept.conj()).angle()
    assert float(turned.max() - turned.min()) == pytest.approx(0.0, abs=1e-4)


def test_missing_labels_are_named_at_once(tiny_scan: RawData, scales: Normalisation) -> None:
    """A scan without labelled patches is refused before the first batch (DATA-SUP-001)."""
    bare = RawData(
        tiny_scan.xcoords,
        tiny_scan.ycoords,
        None,
        None,
        tiny_scan.diff3d,
        tiny_scan.probeGuess,
        None,
        options=dataclasses.replace(
            tiny_scan.options, quantity="counts", centre="middle", position_origin="centre"
        ),
    )
    with pytest.raises(ScanError, match="DATA-SUP-001"):
        groups_of(bare, scales, labelled=True)


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

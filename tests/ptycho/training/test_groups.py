"""Groups of frames, gathered batch by batch."""

import dataclasses

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho.scan.frame_store import LazyFrames
from ptycho.training.groups import Groups


@pytest.fixture
def scales(tiny_scan: RawData) -> Normalisation:
    """The scales of the small scan."""
    return measure(tiny_scan.mean_square(), 64, "counts", None, np.asarray(tiny_scan.probe_modes))


def groups_of(scan: RawData, scales: Normalisation, gridsize: int = 2, **more: bool) -> Groups:
    """Make groups of which every frame leads one."""
    rows = np.arange(scan.n_frames)
    indices = np.stack([np.roll(rows, -shift) for shift in range(gridsize**2)], axis=1)
    return Groups(scan, indices, LazyFrames(scan, scales.amplitude_factor), **more)


def test_gathered_groups_stand_in_order(tiny_scan: RawData, scales: Normalisation) -> None:
    """X[b, c] is the frame of position c of group b; offsets are the group mean minus the position."""
    groups = groups_of(tiny_scan, scales)
    batch = groups.batch([7, 3])
    frame = tiny_scan.amplitudes([groups.indices[3, 2]])[0] * np.float32(scales.amplitude_factor)
    assert batch.X.shape == (2, 4, 64, 64)
    assert np.array_equal(batch.X[1, 2], frame)
    members = tiny_scan.positions[groups.indices[3]]
    assert batch.relative[1] == pytest.approx(members.mean(0) - members, abs=1e-4)
    assert batch.labels is None


def test_labels_are_the_patches_of_the_frames(tiny_scan: RawData, scales: Normalisation) -> None:
    """A labelled batch carries each frame's object patch."""
    dataset = groups_of(tiny_scan, scales, labelled=True, phase_subtraction=False)
    labels = dataset.batch([5]).labels
    assert labels is not None
    assert labels.shape == (1, 4, 64, 64)
    assert np.array_equal(labels[0, 1], tiny_scan.labels([dataset.indices[5, 1]])[0])


def test_labels_lose_the_mean_phase_of_their_group(tiny_scan: RawData, scales: Normalisation) -> None:
    """The diffraction does not tell a group's mean phase, so labels have none; within the group it stays."""
    kept = groups_of(tiny_scan, scales, labelled=True, phase_subtraction=False).batch([5]).labels
    freed = groups_of(tiny_scan, scales, labelled=True).batch([5]).labels
    assert kept is not None
    assert freed is not None
    assert abs(float(np.angle(kept.sum()))) > 1e-3
    assert float(np.angle(freed.sum())) == pytest.approx(0.0, abs=1e-5)
    turned = np.angle(freed * kept.conj())
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

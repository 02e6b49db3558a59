"""What is retrieved before a training belongs to one scan each, and to the frames that train."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ptycho.reconstruction.prediction import predict_frames
from ptycho.reconstruction.retrieved_picture import read_pictures
from ptycho.reconstruction.short_sweeps import NumpySweeps
from ptycho.scan.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate
from ptycho.training.plan import Plan


def test_each_scan_keeps_the_picture_of_its_own_frames(
    plan_of: Callable[..., Plan], tiny_scan: RawData
) -> None:
    """Of two scans each has a picture that shows it alone, of its frames that train; the folder has both."""
    other = simulate(Simulation(N=64, n_frames=20, step_px=6.0, seed=2, object_seed=2))
    both = RawData.concatenate([tiny_scan, other])
    plan = plan_of(both, library=NumpySweeps(), probe_warmup_epochs=1, n_groups=60)
    first, second = plan.retrieved
    assert (first.shows(tiny_scan), first.shows(other)) == (True, False)
    assert (second.shows(tiny_scan), second.shows(other)) == (False, True)
    learned = np.unique(plan.groups.train)
    assert np.array_equal(np.concatenate([first.frames, second.frames + len(tiny_scan)]), learned)
    for picture, light in zip(plan.retrieved, plan.lights, strict=True):
        assert np.array_equal(picture.probe, light.probe)
    plan.conclude()
    assert [picture.scan for picture in read_pictures(plan.folder.path)] == list(plan.scans)


def test_a_retrieved_picture_is_on_the_scale_of_its_probe(plan_of: Callable[..., Plan]) -> None:
    """Object and probe together have the light of the frames: sweeps go on from them without a jump."""
    plan = plan_of(library=NumpySweeps(), probe_warmup_epochs=3)
    [picture] = plan.retrieved
    shown = picture.frames[::5]
    x, y = picture.origin_px.tolist()
    predicted = predict_frames(picture.object, (x, y), picture.probe, picture.positions[shown])
    measured = plan.stored.store.frames(shown)
    assert np.sum(predicted**2) == pytest.approx(np.sum(measured**2), rel=0.05)
    assert np.sum((predicted - measured) ** 2) < 0.1 * np.sum(measured**2)

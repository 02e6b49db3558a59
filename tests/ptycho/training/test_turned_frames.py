"""Frames are turned where the beam shows the sample upside down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ptycho.network.settings import NetworkSettings
from ptycho.training.plan import Plan
from ptycho.training.resume import EarlierTraining
from ptycho.training.turned_frames import turn_by_beam

CNN = NetworkSettings(architecture="cnn")


@pytest.fixture
def converging() -> np.ndarray:
    """Give a beam that converges on the sample."""
    square = np.square(np.arange(64) - 32)
    radius = square + square[:, np.newaxis]
    return np.exp(-radius / 50 - 0.04j * radius)[np.newaxis].astype(np.complex64)


def test_a_plan_asks_the_beam(plan_of: Callable[..., Plan]) -> None:
    """A zone plate's cnn looks at turned frames, and it is said; what somebody sets holds."""
    plan = plan_of(architecture="cnn")
    assert plan.settings.turn_frames
    assert any("model.turn_frames" in note for note in plan.notes)
    assert not plan_of(architecture="cnn", turn_frames=False).settings.turn_frames


def test_only_a_beam_that_converges_turns_frames(converging: np.ndarray) -> None:
    """A diverging beam leaves them, and so does an architecture that knows the beam."""
    assert turn_by_beam(CNN, None, converging, None)[0].turn_frames
    assert turn_by_beam(CNN, None, converging.conj(), None) == (CNN, [])
    unet = NetworkSettings(architecture="unet")
    assert turn_by_beam(unet, None, converging, None) == (unet, [])


@pytest.mark.parametrize("there", [{}, {"turn_frames": True}, {"turn_frames": False}])
def test_a_resumed_training_goes_on_alike(converging: np.ndarray, there: dict[str, bool]) -> None:
    """The beam is asked once; a checkpoint that does not speak of it turned nothing."""
    earlier = EarlierTraining(Path("last.ckpt"), there, [])
    assert turn_by_beam(CNN, None, converging, earlier)[0].turn_frames == there.get("turn_frames", False)


def test_older_checkpoints_turn_nothing() -> None:
    """Settings that a checkpoint does not know yet do not keep its training from going on."""
    known = {name: value for name, value in CNN.as_dict().items() if name != "turn_frames"}
    earlier = EarlierTraining(Path("last.ckpt"), known, [])
    earlier.require_same_network(CNN.as_dict())
    with pytest.raises(ValueError, match=r"turn_frames = True \(there False\)"):
        earlier.require_same_network({**CNN.as_dict(), "turn_frames": True})

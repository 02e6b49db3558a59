"""Whoever watches a training sees the picture grow, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.reconstruction.result import Reconstruction
from ptycho.training import epoch_pictures


class Watcher:
    """Keeps the picture of every epoch."""

    def __init__(self, pictures: list[Reconstruction | None]) -> None:
        self.pictures = pictures

    def begin(self, settings: Any) -> None:
        """Need no settings."""

    def log(self, row: Any, step: int) -> None:
        """Need no losses."""

    def look(self, draw: Any, step: int) -> None:
        """Ask for a picture."""
        self.pictures.append(draw())

    def close(self) -> None:
        """Leave."""


def test_a_watched_training_ends_in_the_same_bits(
    train_small: Callable[..., Any],
    weights_of: Callable[[Any], dict[str, np.ndarray]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A picture after every epoch leaves weights and losses as they are; the pictures differ."""
    monkeypatch.setattr(epoch_pictures, "FIRST_AFTER_S", -1.0)
    monkeypatch.setattr(epoch_pictures, "SHARE", 1.0)
    pictures: list[Reconstruction | None] = []

    def watch(_folder: Path, _rows: Sequence[Any]) -> Watcher:
        return Watcher(pictures)

    alone = train_small(tmp_path / "alone", nepochs=2)
    watched = train_small(tmp_path / "watched", watchers=[watch], nepochs=2)
    first, second = pictures
    assert first is not None
    assert second is not None
    assert len(first.positions) == 36
    assert not np.array_equal(first.object, second.object)
    before, after = weights_of(alone), weights_of(watched)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    losses = [[row["train_loss"] for row in result.history] for result in (alone, watched)]
    assert losses[0] == losses[1]

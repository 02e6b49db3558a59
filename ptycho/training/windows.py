"""Windows of a scan: what an architecture that takes whole scans learns from, one a step.

A window is a seed position with its nearest neighbours. Its picture has an interior, where everything is
overlapped as in a whole scan, and a rim, where it is not: a scan has both.
"""

from __future__ import annotations

import math

import numpy as np

from .split import Indices, Positions, Sampling, Split, compact_groups, nearest_frames, subsample

WINDOW_FRAMES = 48
"""Frames of a window: as many as make a step on a CPU take a tenth of a second at 64 x 64 pixels."""

VISITS = 2
"""Times that an epoch looks at a frame on average, where nobody says how many windows it has."""

FEWEST_LEFT = 2
"""Frames that are left to learn from when others are held out."""


def split_windows(positions: Positions, sampling: Sampling) -> Split:
    """Hold out compact pieces of a scan, then draw windows from all other frames.

    Args:
        positions: Patch centres [x, y], shape (n, 2).
        sampling: How to draw; `n_groups` counts windows where somebody set it.

    Returns:
        Windows as groups of one step each; those that judge have a size of their own.
    """
    used, notes = subsample(len(positions), sampling)
    held_out = _hold_out(positions[used], sampling)
    rest = np.setdiff1d(np.arange(len(used)), held_out.ravel())
    size = min(WINDOW_FRAMES, len(rest))
    count = math.ceil(VISITS * len(rest) / size) if sampling.clamped else sampling.n_groups
    seeds = _seeds(len(rest), count, sampling)
    train = nearest_frames(positions[used][rest], seeds, size)
    judges = f"{len(held_out)} of {held_out.shape[1]} frames" if len(held_out) else "none"
    notes.append(f"{count} windows of {size} frames train, {judges} that no window contains judge")
    return Split(used[rest[train]], used[held_out], tuple(notes))


def _seeds(frames: int, count: int, sampling: Sampling) -> Indices:
    """Choose the middles of windows: each frame once before any comes again."""
    if sampling.sequential:
        return np.arange(count) % frames
    rng = np.random.default_rng(sampling.draw_seed)
    rounds = [rng.permutation(frames) for _ in range(math.ceil(count / frames))]
    return np.concatenate(rounds)[:count]


def _hold_out(positions: Positions, sampling: Sampling) -> Indices:
    """Pick compact pieces without a frame in common, shape (V, C); V is 0 where nothing is held out."""
    n = len(positions)
    wanted = min(math.floor(sampling.validation_fraction * n + 0.5), n - FEWEST_LEFT)
    if wanted < 1:
        return np.empty((0, 1), np.int64)
    size = min(WINDOW_FRAMES, wanted)
    seeds = np.random.default_rng([sampling.seed, 1]).permutation(n)
    return compact_groups(positions, seeds, size, wanted // size)

"""Which groups train and which judge: held-out frames never stand in a training group."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ptycho.scan import grouping
from ptycho.settings.groups import DEFAULT_TRAINING_GROUPS
from ptycho.settings.training import TrainingConfig

Indices = NDArray[np.int64]
Positions = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How groups are drawn from a scan.

    Attributes:
        gridsize: Side of a group.
        neighbour_count: Nearest neighbours that a group is drawn from.
        n_groups: Groups to draw.
        clamped: Take what the scan offers where n_groups is more than that.
        n_subsample: Frames kept before grouping; None keeps all.
        subsample_seed: Seed of that choice and of the draw of groups.
        seed: Seed of the held-out frames, and of the draws where subsample_seed is None.
        sequential: Take the first positions as seeds of groups.
        oversampling: Allow more groups than positions.
        pool_size: Neighbours that oversampling draws from.
        validation_fraction: Share of the frames that is held out.
    """

    gridsize: int = 1
    neighbour_count: int = 4
    n_groups: int = 512
    clamped: bool = False
    n_subsample: int | None = None
    subsample_seed: int | None = None
    seed: int = 0
    sequential: bool = False
    oversampling: bool = False
    pool_size: int | None = None
    validation_fraction: float = 0.05

    @classmethod
    def of(cls, training: TrainingConfig, *, clamped: bool = False) -> Self:
        """Read the values off a TrainingConfig of `ptycho.config.config`."""
        return cls(
            gridsize=training.model.gridsize,
            neighbour_count=training.neighbor_count,
            n_groups=training.n_groups or DEFAULT_TRAINING_GROUPS,
            clamped=clamped,
            n_subsample=training.n_subsample,
            subsample_seed=training.subsample_seed,
            seed=training.seed,
            sequential=training.sequential_sampling,
            oversampling=training.enable_oversampling,
            pool_size=training.neighbor_pool_size,
            validation_fraction=training.validation_fraction,
        )

    @property
    def draw_seed(self) -> int:
        """The seed of subsampling and grouping."""
        return self.seed if self.subsample_seed is None else self.subsample_seed


@dataclass(frozen=True)
class Split:
    """Groups of frames, as indices into the scan.

    Attributes:
        train: Groups to learn from, shape (B, C).
        validation: Groups to judge by, shape (V, C); V is 0 where nothing is held out.
        notes: What was decided, one sentence each.
    """

    train: Indices
    validation: Indices
    notes: tuple[str, ...] = ()


def split(positions: Positions, sampling: Sampling) -> Split:
    """Hold out compact groups of frames, then draw training groups from all other frames.

    For single frames the held-out ones are a random choice; for groups they are random seeds with their
    nearest neighbours, so that a validation group overlaps as a training group does. Frames beside them still
    see the same piece of the object: the loss on them tells when the network starts to learn the noise.

    Args:
        positions: Patch centres [x, y], shape (n, 2).
        sampling: How to draw.

    Raises:
        ScanError: The scan cannot give the groups that are asked for.
    """
    n, C = len(positions), sampling.gridsize**2
    used, notes = subsample(n, sampling)
    n_groups, more = _group_count(positions[used], sampling)
    notes += more
    held_out = _hold_out(positions[used], C, min(n_groups, len(used)), sampling)
    rest = np.setdiff1d(np.arange(len(used)), held_out.ravel())
    wanted = n_groups if sampling.oversampling and n_groups > len(used) else min(n_groups, len(rest))
    train = grouping.group_indices(
        positions[used][rest],
        gridsize=sampling.gridsize,
        neighbour_count=sampling.neighbour_count,
        n_groups=wanted,
        seed=sampling.draw_seed,
        sequential=sampling.sequential,
        oversampling=sampling.oversampling,
        pool_size=sampling.pool_size,
    )
    notes.append(_describe(len(train), C, held_out, sampling))
    return Split(used[rest[train]], used[held_out], tuple(notes))


def split_scans(
    positions: Positions,
    sampling: Sampling,
    scans: Sequence[Indices],
    split_one: Callable[[Positions, Sampling], Split],
) -> Split:
    """Split each of several scans for itself: no group mixes them.

    Groups and frames that are asked for are shared out by the sizes of the scans.

    Args:
        positions: Patch centres [x, y] of all scans, shape (n, 2).
        sampling: How to draw.
        scans: Frames of each scan.
        split_one: `split`, or another way to draw groups from one scan.

    Raises:
        ScanError: A scan cannot give the groups that are asked for.
    """
    if len(scans) == 1:
        return split_one(positions, sampling)
    sizes = [len(rows) for rows in scans]
    shares = grouping.share_out(sampling.n_groups, sizes)
    kept = None if sampling.n_subsample is None else grouping.share_out(sampling.n_subsample, sizes)
    train, validation, notes = [], [], list[str]()
    for number, rows in enumerate(scans):
        own = replace(
            sampling,
            n_groups=max(1, shares[number]),
            n_subsample=None if kept is None else max(1, kept[number]),
        )
        part = split_one(positions[rows], own)
        train.append(rows[part.train])
        validation.append(rows[part.validation])
        notes += [f"scan {number + 1} of {len(scans)}: {note}" for note in part.notes]
    return Split(_joined(train), _joined(validation), tuple(notes))


def _joined(groups: list[Indices]) -> Indices:
    """Put the groups of scans behind one another; those of the smallest scan may hold fewer frames."""
    filled = [part for part in groups if len(part)]
    if not filled:
        return groups[0]
    size = min(part.shape[1] for part in filled)
    return np.concatenate([part[:, :size] for part in filled])


def subsample(n: int, sampling: Sampling) -> tuple[Indices, list[str]]:
    """Choose the frames that are used at all: their sorted indices, and what was decided."""
    if sampling.n_subsample is None or sampling.n_subsample >= n:
        return np.arange(n), []
    rng = np.random.default_rng(sampling.draw_seed)
    used = np.sort(rng.choice(n, sampling.n_subsample, replace=False))
    return used, [f"{len(used)} of {n} frames are used (training.n_subsample)"]


def _group_count(positions: Positions, sampling: Sampling) -> tuple[int, list[str]]:
    """Judge the number of groups against the whole scan; only an explicit excess is an error."""
    n, wanted = len(positions), sampling.n_groups
    if wanted <= n:
        return wanted, []
    if sampling.clamped or sampling.gridsize == 1:
        return n, [f"training.n_groups = {wanted} is more than the scan offers: {n} groups are drawn"]
    grouping.group_indices(  # raises, or tells that oversampling can give so many
        positions,
        gridsize=sampling.gridsize,
        neighbour_count=sampling.neighbour_count,
        n_groups=wanted,
        seed=sampling.draw_seed,
        oversampling=sampling.oversampling,
        pool_size=sampling.pool_size,
    )
    return wanted, []


def _hold_out(positions: Positions, C: int, used: int, sampling: Sampling) -> Indices:
    """Pick disjoint groups of each C nearest frames, shape (V, C)."""
    n = len(positions)
    none = np.empty((0, C), np.int64)
    if sampling.validation_fraction <= 0:
        return none
    # What is left has to hold one training group, with all the neighbours that it is drawn from.
    spare = n - (1 if C == 1 else max(sampling.neighbour_count, C) + 1)
    count = min(max(1, math.floor(sampling.validation_fraction * used / C + 0.5)), spare // C)
    if count < 1:
        return none
    # A stream of its own: who is held out does not change with how groups are drawn.
    seeds = np.random.default_rng([sampling.seed, 1]).permutation(n)
    if C == 1:
        return np.sort(seeds[:count])[:, np.newaxis]
    return compact_groups(positions, seeds, C, count)


def compact_groups(positions: Positions, seeds: Indices, size: int, count: int) -> Indices:
    """Pick groups of nearest frames without a frame in common, in the order of seeds.

    Args:
        positions: Patch centres [x, y], shape (n, 2).
        seeds: Frames around which groups lie.
        size: Frames of a group.
        count: Groups to pick at most.

    Returns:
        Frames of each, shape (at most `count`, size).
    """
    taken, groups = np.zeros(len(positions), bool), []
    for group in nearest_frames(positions, seeds, size):
        if not taken[group].any():
            taken[group] = True
            groups.append(group)
            if len(groups) == count:
                break
    return np.array(groups, np.int64)


def nearest_frames(positions: Positions, seeds: Indices, size: int) -> Indices:
    """Give each seed's nearest frames, itself among them, shape (len(seeds), size)."""
    # Whoever only uses what was trained need not wait for scipy's trees.
    from scipy.spatial import cKDTree

    nearest = cKDTree(positions).query(positions[seeds], k=size)[1]
    return np.asarray(nearest, np.int64).reshape(len(seeds), size)


def _describe(trained: int, C: int, held_out: Indices, sampling: Sampling) -> str:
    noun = "frames" if C == 1 else f"groups of {C} frames"
    if len(held_out):
        return f"{trained} {noun} train, {len(held_out)} {noun} that no training group contains judge"
    if sampling.validation_fraction <= 0:
        return f"{trained} {noun} train, none judge (training.validation_fraction = 0)"
    return f"{trained} {noun} train, none judge: the scan is too small to hold frames out"

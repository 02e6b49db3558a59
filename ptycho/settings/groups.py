"""What trainings and reconstructions settle alike about their groups of patches."""

import warnings
from typing import Protocol

from ptycho.settings.call_site import outside_stack_level
from ptyconf import Complaint, Resolution

DEFAULT_TRAINING_GROUPS = 512


class _Grouped(Protocol):
    n_images: int | None
    n_groups: int | None


def adopt_n_images(config: _Grouped) -> None:
    """Take `n_images` for `n_groups` where only that is given.

    Warns:
        DeprecationWarning: It was given.
    """
    if config.n_images is None or config.n_groups is not None:
        return
    warnings.warn(
        f"n_images is deprecated, use n_groups; n_images={config.n_images} is taken for n_groups",
        DeprecationWarning,
        stacklevel=outside_stack_level(),
    )
    config.n_groups = config.n_images


def channels(gridsize: int) -> int:
    """Count the patches of a group."""
    return gridsize * gridsize


def pool_holds_a_group(path: str, resolution: Resolution) -> Complaint | None:
    """Refuse a pool of neighbours with fewer points than a group has patches."""
    pool, patches = resolution.value(path), channels(resolution.value("model.gridsize"))
    if pool is None or pool >= patches:
        return None
    return Complaint(
        f"neighbor_pool_size = {pool} must be >= gridsize squared = {patches}",
        expected=f"{patches} or more",
        hint=f"neighbor_pool_size = {patches}",
    )

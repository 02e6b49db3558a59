"""What trainings and reconstructions settle alike about their groups of patches."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ptycho.settings.call_site import outside_stack_level
from ptyconf import Complaint

if TYPE_CHECKING:
    from ptycho.settings.inference import InferenceConfig
    from ptycho.settings.training import TrainingConfig

DEFAULT_TRAINING_GROUPS = 512


def adopt_n_images(config: "TrainingConfig | InferenceConfig") -> None:
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


def pool_holds_a_group(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    """Refuse a pool of neighbours with fewer points than a group has patches."""
    pool, patches = settings[path], channels(settings["model.gridsize"])
    if pool is None or pool >= patches:
        return None
    return Complaint(
        f"neighbor_pool_size = {pool} must be >= gridsize squared = {patches}",
        expected=f"{patches} or more",
        hint=f"neighbor_pool_size = {patches}",
    )

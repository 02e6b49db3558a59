"""Lines of settings that a training and a reconstruction both have: how groups are drawn from a scan."""

from typing import Any

from ptycho.settings.checks import not_negative, positive
from ptycho.settings.conditions import Condition
from ptycho.settings.field import Across, described
from ptycho.settings.groups import pool_holds_a_group


def groups_to_draw(help: str, section: str) -> Any:  # noqa: A002
    """Describe `n_groups` of a section."""
    return described(
        None, help=help, check=positive("512", optional=True), deprecated=(f"{section}.n_images",)
    )


def old_name_of_groups() -> Any:
    """Describe `n_images`."""
    return described(None, help="deprecated name of n_groups")


def frames_to_keep() -> Any:
    """Describe `n_subsample`."""
    return described(
        None,
        help="frames kept before grouping (sorted random choice); none keeps all",
        check=positive("512", optional=True),
    )


def seed_of_the_draw(**more: Any) -> Any:
    """Describe `subsample_seed`; further words as for `described`."""
    return described(
        None,
        help="seed of the choice of frames and of the group draw",
        check=not_negative("0", optional=True),
        torch="DataConfig.subsample_seed",
        **more,
    )


def nearest_neighbours(without_effect: Condition) -> Any:
    """Describe `neighbor_count`."""
    return described(
        4,
        help="nearest neighbours (self excluded) that a group is drawn from",
        check=positive("4"),
        without_effect=without_effect,
        torch="DataConfig.K",
    )


def more_groups_than_points(without_effect: Condition) -> Any:
    """Describe `enable_oversampling`."""
    return described(
        False, help="allow more groups than scan points (gridsize > 1)", without_effect=without_effect
    )


def neighbours_of_the_sampler(without_effect: Condition) -> Any:
    """Describe `neighbor_pool_size`."""
    return described(
        None,
        help="neighbours of the combination sampler; none means neighbor_count",
        check=positive("6", optional=True),
        across=Across(("model.gridsize",), pool_holds_a_group, "pool holds a group"),
        without_effect=without_effect,
        example=6,
    )

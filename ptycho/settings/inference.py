# ruff: noqa: RUF009  `described` is dataclasses.field with its metadata spelled out.
"""Section `inference`: what one reconstruction reads and writes, one line a setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ptycho.settings.checks import choice, not_negative, positive
from ptycho.settings.conditions import always
from ptycho.settings.field import Across, described
from ptycho.settings.groups import adopt_n_images, pool_holds_a_group
from ptycho.settings.model import ModelConfig
from ptycho.settings.registries import BACKENDS
from ptyconf import tracks_set_fields

__all__ = ["InferenceConfig"]

_ONE_GROUP_EACH = always("every position is reconstructed in one group, with its nearest neighbours")


def _nothing_is_drawn(settings: Mapping[str, Any]) -> str | None:
    counts = (settings["inference.n_subsample"], settings["inference.n_groups"])
    return "every position is reconstructed" if counts == (None, None) else None


@tracks_set_fields
@dataclass
class InferenceConfig:
    """What one reconstruction reads and writes."""

    model: ModelConfig
    model_path: Path = described(help="folder that holds wts.h5.zip, or the archive itself")
    test_data_file: Path = described(help="scan to reconstruct", legacy="test_data_file_path")
    n_groups: int | None = described(
        None,
        help="groups of patches to reconstruct; none takes every position",
        check=positive("512", optional=True),
        deprecated=("inference.n_images",),
    )
    n_images: int | None = described(None, help="deprecated name of n_groups")
    n_subsample: int | None = described(
        None,
        help="frames kept before grouping (sorted random choice); none keeps all",
        check=positive("512", optional=True),
    )
    subsample_seed: int | None = described(
        None,
        help="seed of the choice of frames and of the group draw",
        check=not_negative("0", optional=True),
        without_effect=_nothing_is_drawn,
        torch="DataConfig.subsample_seed",
        passed_over={"torch-config": "the seed of a training draw is not that of an inference draw"},
    )
    neighbor_count: int = described(
        4,
        help="nearest neighbours (self excluded) that a group is drawn from",
        check=positive("4"),
        without_effect=_ONE_GROUP_EACH,
        torch="DataConfig.K",
    )
    enable_oversampling: bool = described(
        False, help="allow more groups than scan points (gridsize > 1)", without_effect=_ONE_GROUP_EACH
    )
    neighbor_pool_size: int | None = described(
        None,
        help="neighbours of the combination sampler; none means neighbor_count",
        check=positive("6", optional=True),
        across=Across(("model.gridsize",), pool_holds_a_group, "pool holds a group"),
        without_effect=_ONE_GROUP_EACH,
        example=6,
    )
    debug: bool = described(False, help="log more of what the reconstruction decides")
    output_dir: Path = described(
        Path("inference_outputs"), help="folder of the reconstruction", legacy="output_prefix"
    )
    backend: Literal["tensorflow", "pytorch"] = described(
        "tensorflow",
        help="library that reconstructs",
        choices=BACKENDS,
        check=choice(
            BACKENDS,
            "pytorch",
            "Invalid backend: {v!r}. InferenceConfig.backend must be {either}.",
        ),
    )
    refine_epochs: int = described(
        10,
        help="sweeps of iterative refinement of the picture after the network; 0 shows the network alone",
        unit="sweeps",
        check=not_negative("10"),
        legacy=False,
    )
    correct_positions: bool = described(
        False,
        help="move each frame to where it fits best while `ptycho reconstruct` sweeps",
        legacy=False,
    )

    def __post_init__(self) -> None:
        """Take `n_images` for `n_groups` where only that is given."""
        adopt_n_images(self)

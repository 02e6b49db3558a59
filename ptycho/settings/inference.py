# ruff: noqa: RUF009  `described` is dataclasses.field with its metadata spelled out.
"""Section `inference`: what one reconstruction reads and writes, one line a setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ptycho.settings.checks import choice, count_or_auto, from_zero, names
from ptycho.settings.conditions import always, where
from ptycho.settings.field import described
from ptycho.settings.group_lines import (
    frames_to_keep,
    groups_to_draw,
    more_groups_than_points,
    nearest_neighbours,
    neighbours_of_the_sampler,
    old_name_of_groups,
    seed_of_the_draw,
)
from ptycho.settings.groups import adopt_n_images
from ptycho.settings.model import ModelConfig
from ptycho.settings.registries import BACKENDS, OUTPUTS
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
    n_groups: int | None = groups_to_draw(
        "groups of patches to reconstruct; none takes every position", "inference"
    )
    n_images: int | None = old_name_of_groups()
    n_subsample: int | None = frames_to_keep()
    subsample_seed: int | None = seed_of_the_draw(
        without_effect=_nothing_is_drawn,
        passed_over={"torch-config": "the seed of a training draw is not that of an inference draw"},
    )
    neighbor_count: int = nearest_neighbours(_ONE_GROUP_EACH)
    enable_oversampling: bool = more_groups_than_points(_ONE_GROUP_EACH)
    neighbor_pool_size: int | None = neighbours_of_the_sampler(_ONE_GROUP_EACH)
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
    refine_epochs: int | Literal["auto"] = described(
        10,
        help="sweeps of iterative refinement of the picture after the network; 0 shows the network alone, "
        "auto lets noise and misfit decide",
        unit="sweeps",
        check=count_or_auto("10"),
        legacy=False,
    )
    start: str = described(
        "flat",
        help="what `ptycho reconstruct` starts from: flat, or a network for every scan by its name or file",
        legacy=False,
    )
    learn_probe: bool = described(
        False,
        help="move the probe, too, while a picture is refined; a network for every scan has not learned it",
        legacy=False,
    )
    compare_flat: bool = described(
        True,
        help="refine a flat object, too, by as many sweeps: the report shows what the network adds",
        without_effect=where("inference.refine_epochs", 0),
        legacy=False,
    )
    smoothing: float = described(
        1.0,
        help="how strongly sweeps in the end draw pixels together that photon noise does not tell apart; "
        "0 leaves all of the noise",
        without_effect=where("inference.refine_epochs", 0),
        check=from_zero("1.0"),
        legacy=False,
    )
    halves: Literal["auto", "always", "never"] = described(
        "auto",
        help="reconstruct two halves of the frames apart, which tells the resolution; auto leaves it to the "
        "truth where a scan has one",
        choices=("auto", "always", "never"),
        check=choice(("auto", "always", "never"), "auto"),
        legacy=False,
    )
    correct_positions: bool = described(
        False,
        help="move each frame to where it fits best while sweeps reconstruct or refine a picture",
        without_effect=where("inference.refine_epochs", 0),
        legacy=False,
    )

    outputs: tuple[str, ...] = described(
        (),
        help="files of the picture for other programs, beside reconstruction.npz and the report",
        check=names(OUTPUTS, "tiff"),
        example=("tiff", "product"),
        text=",",
        legacy=False,
    )

    def __post_init__(self) -> None:
        """Take `n_images` for `n_groups` where only that is given."""
        adopt_n_images(self)

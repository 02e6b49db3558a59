# ruff: noqa: RUF009  `described` is dataclasses.field with its metadata spelled out.
"""Section `training`: what one training run reads, minimises and writes, one line a setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ptycho.settings.checks import (
    above_zero,
    choice,
    from_zero,
    not_negative,
    positive,
    power_of_two,
    share,
    weights_by_name,
)
from ptycho.settings.choices import LOSS_MODES
from ptycho.settings.conditions import first, where, whole_scans
from ptycho.settings.conversions import LOSS, NLL, TEXT_PATH
from ptycho.settings.field import Across, TorchName, described
from ptycho.settings.group_lines import (
    frames_to_keep,
    groups_to_draw,
    more_groups_than_points,
    nearest_neighbours,
    neighbours_of_the_sampler,
    old_name_of_groups,
    seed_of_the_draw,
)
from ptycho.settings.groups import DEFAULT_TRAINING_GROUPS, adopt_n_images
from ptycho.settings.model import ModelConfig
from ptycho.settings.registries import BACKENDS, LOSS_TERMS
from ptyconf import Complaint, tracks_set_fields

__all__ = ["TrainingConfig"]


def _probe_of_the_checkpoint(settings: Mapping[str, Any]) -> str | None:
    return None if settings["training.resume"] is None else "the probe comes from training.resume"


def _started_before(settings: Mapping[str, Any]) -> str | None:
    return None if settings["training.resume"] is None else "the weights come from training.resume"


def _with_realspace_terms(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    weight = settings[path]
    if weight > 0 and not settings["training.realspace_weight"] > 0:
        return Complaint(
            f"realspace_mae_weight = {weight!r} needs realspace_weight > 0",
            expected="training.realspace_weight above 0",
            hint="realspace_weight = 1.0",
        )
    return None


_LONE_PATCHES = first(whole_scans, where("model.gridsize", 1))
_FROM_LABELS = where("model.model_type", "supervised")


def _begin_apart(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    """Refuse halves that are to be independent where both networks would start from the same weights."""
    if not settings[path] or settings["training.init"] is None:
        return None
    return Complaint(
        f"{path} asks for two networks with nothing in common, and training.init starts both from the same",
        expected="networks that begin with weights of their own",
        hint="training.init = none",
    )


@tracks_set_fields
@dataclass
class TrainingConfig:
    """What one training run reads, minimises and writes."""

    model: ModelConfig
    train_data_file: Path | None = described(
        None,
        help="scan to train on",
        torch=TorchName("TrainingConfig.train_data_file", TEXT_PATH),
        legacy="train_data_file_path",
    )
    test_data_file: Path | None = described(
        None,
        help="scan to evaluate on after training",
        torch=TorchName("TrainingConfig.test_data_file", TEXT_PATH),
        legacy="test_data_file_path",
    )
    batch_size: int = described(
        16,
        help="groups per optimiser step; a power of two",
        check=power_of_two("16"),
        without_effect=whole_scans,
    )
    nepochs: int = described(
        50,
        help="passes over the training groups",
        check=positive("50"),
        aliases=("training.max_epochs",),
        torch="TrainingConfig.epochs",
    )
    mae_weight: float = described(
        0.0,
        help="weight of the amplitude MAE in the loss, 0 to 1",
        check=share("0.0"),
        without_effect=_FROM_LABELS,
    )
    nll_weight: float = described(
        1.0,
        help="weight of the Poisson likelihood in the loss, 0 to 1",
        check=share("1.0"),
        without_effect=first(_FROM_LABELS, where("training.torch_loss_mode", "mae")),
        torch=TorchName("TrainingConfig.nll", NLL),
    )
    realspace_mae_weight: float = described(
        0.0,
        help="weight of the MAE to labelled patches",
        check=from_zero("0.0"),
        across=Across(("training.realspace_weight",), _with_realspace_terms, "real-space weights"),
        without_effect=_FROM_LABELS,
    )
    realspace_weight: float = described(
        0.0, help="weight of the real-space terms", check=from_zero("0.0"), without_effect=_FROM_LABELS
    )
    nphotons: float = described(
        1e9,
        help="mean photons of one diffraction frame",
        unit="photons",
        check=above_zero("1e9"),
        torch="DataConfig.nphotons",
        passed_over={
            "torch-defaults": "the torch default 1e5 is passed over; "
            "the canonical default is TensorFlow's 1e9"
        },
    )
    n_groups: int | None = groups_to_draw(
        "groups of patches drawn from the scan; a training config without one takes 512", "training"
    )
    n_images: int | None = old_name_of_groups()
    n_subsample: int | None = frames_to_keep()
    subsample_seed: int | None = seed_of_the_draw()
    neighbor_count: int = nearest_neighbours(_LONE_PATCHES)
    enable_oversampling: bool = more_groups_than_points(_LONE_PATCHES)
    neighbor_pool_size: int | None = neighbours_of_the_sampler(
        first(_LONE_PATCHES, where("training.enable_oversampling", False))
    )
    positions_provided: bool = described(
        True, help="the scan positions are measured", legacy="positions.provided"
    )
    probe_trainable: bool = described(
        False, help="learn the probe together with the network", legacy="probe.trainable"
    )
    intensity_scale_trainable: bool = described(
        True,
        help="learn the intensity scale together with the network",
        path="model.intensity_scale_trainable",
        legacy="intensity_scale.trainable",
    )
    output_dir: Path = described(
        Path("training_outputs"),
        help="run folder of the training",
        torch=TorchName("TrainingConfig.output_dir", TEXT_PATH),
        legacy="output_prefix",
    )
    sequential_sampling: bool = described(
        False, help="take the first n_groups points in file order instead of a random draw"
    )
    backend: Literal["tensorflow", "pytorch"] = described(
        "tensorflow",
        help="library that trains",
        choices=BACKENDS,
        check=choice(BACKENDS, "pytorch", "Invalid backend: {v!r}. TrainingConfig.backend must be {either}."),
    )
    torch_loss_mode: Literal["poisson", "mae"] = described(
        "poisson",
        help="data term of the loss: Poisson likelihood or amplitude MAE",
        choices=LOSS_MODES,
        check=choice(LOSS_MODES, "poisson", "Invalid torch_loss_mode='{v}'. Expected 'poisson' or 'mae'."),
        without_effect=_FROM_LABELS,
        torch=TorchName("ModelConfig.loss_function", LOSS),
    )
    loss_terms: dict[str, float] = described(
        factory=dict,
        help="weights of further terms of the loss by their names",
        check=weights_by_name(LOSS_TERMS, "loss term"),
        legacy=False,
    )
    seed: int = described(
        0, help="seed of every random choice of the run", check=not_negative("0"), legacy=False
    )
    validation_fraction: float = described(
        0.05,
        help="share of the groups held out to judge and to stop the training",
        check=share("0.05", whole_too=False),
        legacy=False,
    )
    resume: Path | None = described(
        None, help="run folder or checkpoint that the training continues from", legacy=False
    )
    init: Path | None = described(
        None,
        help="weights to start from: a network for every scan by its name or file, or a run folder",
        without_effect=_started_before,
        legacy=False,
    )
    independent_halves: bool = described(
        False,
        help="train a network on each half of the frames, too, so that what the halves agree about is "
        "resolution; as long again as the training",
        across=Across(("training.init",), _begin_apart, "halves with nothing in common"),
        legacy=False,
    )
    probe_warmup_epochs: int = described(
        0,
        help="sweeps of iterative probe retrieval before the network learns; 0 keeps the given probe",
        unit="sweeps",
        check=not_negative("0"),
        without_effect=_probe_of_the_checkpoint,
        legacy=False,
    )
    probe_learning_rate: float | None = described(
        None,
        help="learning rate of a trainable probe; none takes execution.learning_rate",
        check=above_zero("1e-3", optional=True),
        without_effect=where("training.probe_trainable", False),
        legacy=False,
    )

    def __post_init__(self) -> None:
        """Take `n_images` for `n_groups` where only that is given, else 512 groups."""
        adopt_n_images(self)
        if self.n_groups is None:
            self.n_groups = DEFAULT_TRAINING_GROUPS

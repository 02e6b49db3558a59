"""Fields whose feature this library does not build: any value but the default is refused by name."""

from collections.abc import Callable
from typing import Any

from ptyconf import Complaint

THAW = "fine-tuning of a trained network in stages"
UNBUILT = {
    "data.K_quadrant": "a search for neighbours by quadrants",
    "data.samples_per_point": "several groups drawn for each scan point",
    "data.neighbor_function": "a search for neighbours other than by distance",
    "data.min_neighbor_distance": "a lower bound on the distance of neighbours",
    "data.max_neighbor_distance": "an upper bound on the distance of neighbours",
    "data.scan_pattern": "grouping by the layout of the scan",
    "data.normalize": "normalisation group by group",
    "data.probe_normalize": "a probe left at another scale than the data",
    "data.data_scaling": "normalisation by the largest value",
    "data.x_bounds": "training on a part of the scan along x",
    "data.y_bounds": "training on a part of the scan along y",
    "data.probe_ramp_removal": "a phase ramp taken off the probe",
    "model.max_position_jitter": "a network that allows for jitter of the positions",
    "model.batch_norm": "batch normalisation",
    "model.edge_pad": "another width of the outer frame of a patch",
    "model.decoder_last_c_outer_fraction": "another share of channels for the outer frame",
    "model.eca_encoder": "channel attention in the encoder",
    "model.cbam_bottleneck": "block attention in the bottleneck",
    "model.cbam_decoder": "block attention in the decoder",
    "model.eca_decoder": "channel attention in the decoder",
    "model.spatial_decoder": "spatial attention in the decoder",
    "model.decoder_spatial_kernel": "spatial attention in the decoder",
    "model.amp_loss": "a regularisation of the amplitude alone",
    "model.phase_loss": "a regularisation of the phase alone",
    "model.amp_loss_coeff": "a regularisation of the amplitude alone",
    "model.phase_loss_coeff": "a regularisation of the phase alone",
    "model.offset": "groups on a nominal grid instead of the measured positions",
    "model.use_shared_decoder": "one decoder for amplitude and phase",
    "model.num_datasets": "training on several scans at once",
    "model.probe_reference_coeff": "a loss on the probe",
    "model.amplitude_variance_loss": "a loss on the variance of the amplitude",
    "model.amplitude_variance_coeff": "a loss on the variance of the amplitude",
    "training.training_directories": "training on several scans at once",
    "training.epochs_fine_tune": "a second round of training at a lower learning rate",
    "training.fine_tune_gamma": "a second round of training at a lower learning rate",
    "training.stage_1_epochs": "a loss that changes in stages",
    "training.stage_2_epochs": "a loss that changes in stages",
    "training.stage_3_epochs": "a loss that changes in stages",
    "training.physics_weight_schedule": "a loss that changes in stages",
    "training.stage_3_lr_factor": "a loss that changes in stages",
    "training.experiment_name": "runs sorted by the name of an experiment; run folders have names",
    "training.notes": "notes kept in a logger",
    "training.model_name": "models sorted by name; bundles are files",
    "training.framework": "another training loop than Lightning's",
    "training.orchestrator": "a tracker of runs beside the loggers",
    "training.enable_staged_finetuning": THAW,
    "training.finetune_stage1_epochs": THAW,
    "training.finetune_stage2_epochs": THAW,
    "training.finetune_stage3_epochs": THAW,
    "training.finetune_stage1_lr_decoder": THAW,
    "training.finetune_stage2_lr_encoder_top": THAW,
    "training.finetune_stage2_lr_decoder": THAW,
    "training.finetune_stage2_lr_phase_head": THAW,
    "training.finetune_stage3_lr_encoder_bottom": THAW,
    "training.finetune_stage3_lr_encoder_top": THAW,
    "training.finetune_stage3_lr_decoder": THAW,
    "training.finetune_stage3_lr_phase_head": THAW,
    "training.finetune_skip_stage3": THAW,
    "training.finetune_early_stop_patience": THAW,
    "training.finetune_val_split": THAW,
    "inference.experiment_number": "runs sorted by the number of an experiment; run folders have names",
    "inference.window": "another border left out of the scores",
}


def refusal(path: str, default: object) -> Callable[[Any], Complaint | None]:
    """Make the check that lets only the default of an unbuilt field pass."""
    feature = UNBUILT[path]

    def refuse(value: Any) -> Complaint | None:
        if value == default:
            return None
        return Complaint(
            f"'{path}' is {value!r}, which asks for what is not built here: {feature}",
            expected=f"its default, {default!r}",
            hint=f"leave {path} out",
        )

    return refuse

"""Whether two trainings are one: the settings that decide what the weights of an epoch are."""

from __future__ import annotations

from typing import Any

_FREE_SECTIONS = ("inference.",)
_FREE = frozenset(
    {
        "training.output_dir",
        "training.resume",
        "training.nepochs",
        "training.test_data_file",
        # What is measured on the scan stands in the settings of a run that ended, as set before.
        "training.nphotons",
        "model.intensity_scale",
        *(
            f"execution.{name}"
            for name in (
                "accelerator",
                "deterministic",
                "devices",
                "enable_checkpointing",
                "enable_progress_bar",
                "inference_batch_size",
                "logger_backend",
                "middle_trim",
                "num_workers",
                "pad_eval",
                "persistent_workers",
                "pin_memory",
                "prefetch_factor",
                "strategy",
                "threads",
            )
        ),
    }
)
"""Settings that may differ between attempts: what is shown and kept, where and how fast it is computed."""


def differences(these: dict[str, Any], those: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Name the settings in which two trainings differ, of those that change what the weights are.

    Args:
        these: Settings by path.
        those: Others; what only one side knows is no difference.

    Returns:
        Path, value here and value there.
    """
    return [
        (path, these[path], those[path])
        for path in sorted(these.keys() & those.keys())
        if path not in _FREE and not path.startswith(_FREE_SECTIONS) and these[path] != those[path]
    ]

"""What is asked of the programs that read scans: the right order of arguments, a configuration."""

import logging
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ptycho.scan.metadata import MetadataManager
from ptycho.settings import legacy_dict as params
from ptycho.settings.call_site import nearest_caller, outside_stack_level
from ptyconf.errors import error_text

logger = logging.getLogger(__name__)


def tell_unconfigured(path: Path, reader: str) -> None:
    """Warn a program that reads a scan before its configuration is in ``params.cfg`` (CONFIG-001).

    Args:
        path: The scan file.
        reader: The module whose function the program called.
    """
    file, line, ours = nearest_caller(reader, __name__)
    if ours or params.is_populated():
        return
    logger.warning(
        "CONFIG-001: %s is read at %s:%d before update_legacy_dict(params.cfg, config): "
        "what follows takes gridsize and N from params.cfg, and no configuration is there",
        path,
        file,
        line,
    )


def compare_metadata(metadata: Mapping[str, Any], config: Mapping[str, Any], path: Path) -> None:
    """Compare what a scan file was made with and a configuration.

    Warns:
        UserWarning: One for each value in which they differ.
    """
    for difference in MetadataManager.validate_parameters(dict(metadata), config):
        warnings.warn(f"{path}: {difference}", UserWarning, stacklevel=outside_stack_level())


def refuse_old_call(seed: object, sequential_sampling: object) -> None:
    """Refuse an older order of arguments of groups: N, K, nsamples, dataset_path, seed.

    Raises:
        TypeError: A path stands where the seed belongs, or a seed where a yes or no belongs.
    """
    in_order = isinstance(sequential_sampling, (bool, np.bool_))
    if in_order and not isinstance(seed, (str, os.PathLike)):
        return
    meant = None if in_order else sequential_sampling
    raise TypeError(
        error_text(
            f"generate_grouped_data was given {seed!r} as its seed and {sequential_sampling!r} as "
            "sequential_sampling: that is the old order of arguments (N, K, nsamples, dataset_path, seed)",
            expected="N, K, nsamples, and the others by name; a scan needs no dataset_path",
            hint=f"generate_grouped_data(N, K=..., nsamples=..., seed={meant!r})",
        )
    )

"""Ask the torch factory for everything that a training needs to know, and where each value came from."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from ptycho import params
from ptycho.config.config import PyTorchExecutionConfig
from ptycho_torch.config_factory import create_training_payload
from ptyconf.report import story


def main() -> None:
    """Make a scan file with a probe of 128 x 128 pixels; the factory reads its side from the header alone."""
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.npz"
        np.savez(scan, probeGuess=np.ones((128, 128), np.complex64))
        payload = create_training_payload(
            scan,
            Path(folder) / "run",
            overrides={"n_groups": 512, "gridsize": 2, "max_epochs": 5},
            execution_config=PyTorchExecutionConfig(accelerator="cpu", learning_rate=2e-3),
        )
        for path in ("model.N", "training.nepochs", "data.C", "execution.learning_rate", "training.nphotons"):
            sys.stdout.write(story(payload.resolution, path) + "\n\n")
        sys.stdout.write(
            f"params.cfg has gridsize {params.get('gridsize')}, written by {params.writer('gridsize')}\n"
        )


if __name__ == "__main__":
    main()

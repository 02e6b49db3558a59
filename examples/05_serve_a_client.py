"""Train, save, open and reconstruct by the public names that client programs use, with either backend.

python examples/05_serve_a_client.py [tensorflow|pytorch]
"""

import sys
from pathlib import Path

import numpy as np

from ptycho import loader, model_manager, params, tf_helper
from ptycho.config.config import (
    InferenceConfig,
    ModelConfig,
    PyTorchExecutionConfig,
    TrainingConfig,
    update_legacy_dict,
)
from ptycho.simulate.scan import Simulation, simulate
from ptycho.workflows import components

N_FRAMES, NEIGHBOURS = 100, 7


def main(folder: Path, backend: str = "tensorflow") -> None:
    """Do what a graphical client does, with detector counts and positions in memory."""
    scan = simulate(Simulation(n_frames=N_FRAMES))
    model = ModelConfig(N=scan.N, gridsize=1, architecture="unet", amp_activation="sigmoid")
    config = TrainingConfig(
        model, backend=backend, n_groups=N_FRAMES, neighbor_count=NEIGHBOURS, nepochs=4, batch_size=4
    )
    execution = PyTorchExecutionConfig(accelerator="cpu", learning_rate=2e-3)
    update_legacy_dict(params.cfg, config)  # CONFIG-001: before data are grouped.
    _, _, results = components.run_cdi_example(scan, None, config, execution_config=execution)
    model_manager.save(folder)
    print(f"trained with {results['backend']}: loss {results['history']['train_loss'][-1]:.4f}")

    inference = InferenceConfig(model, model_path=folder, test_data_file=Path())
    update_legacy_dict(params.cfg, inference)
    network, _ = components.load_inference_bundle(folder)
    grouped = scan.generate_grouped_data(scan.N, K=NEIGHBOURS, nsamples=N_FRAMES, gridsize=1)
    container = loader.load(lambda: grouped, scan.probeGuess, which=None, create_split=False)
    scale = params.get("intensity_scale")
    patches = network.predict([container.X * scale, container.local_offsets])
    picture = np.squeeze(tf_helper.reassemble_position(patches, container.global_offsets, M=20))
    print(f"patches {patches.shape} make a picture {picture.shape} of type {picture.dtype}")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        main(Path(place), *sys.argv[1:2])

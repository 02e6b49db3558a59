"""Train on one simulated scan and reconstruct another from Python, then score it against the truth."""

import sys
from pathlib import Path

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.metrics.comparison import compare, compare_network_alone
from ptycho.raw_data import RawData
from ptycho.reconstruction.picture import PictureOptions
from ptycho.simulate.scan import Simulation, simulate
from ptycho_torch.config_factory import create_training_payload
from ptycho_torch.lit.infer import reconstruct
from ptycho_torch.lit.train import train


def main(folder: Path, *, n_frames: int = 225, epochs: int = 4) -> None:
    """Train, reconstruct an object that the network has never seen, and print two scores."""
    files = [folder / "train.npz", folder / "unseen.npz"]
    for seed, file in enumerate(files):
        simulate(Simulation(n_frames=n_frames, seed=seed, object_seed=seed)).to_file(file)
    payload = create_training_payload(
        files[0],
        folder / "run",
        overrides={
            "architecture": "unet",
            "gridsize": 2,
            "amp_activation": "sigmoid",
            "n_groups": n_frames,
            "nepochs": epochs,
            "batch_size": 4,
            "torch_loss_mode": "mae",
        },
        execution_config=PyTorchExecutionConfig(
            accelerator="cpu", learning_rate=2e-3, scheduler="WarmupCosine"
        ),
    )
    # params.cfg is populated now (CONFIG-001): data may be read.
    trained = train(payload, RawData.from_file(files[0]), folder / "run", progress=False)
    unseen = RawData.from_file(files[1])
    options = PictureOptions(refine_epochs=10)
    found = reconstruct(trained.network, trained.normalisation, unseen, options=options)
    for name, comparison in (
        ("network alone", compare_network_alone(found, unseen)),
        ("refined", compare(found, unseen)),
    ):
        assert comparison is not None
        amplitude, phase = comparison.scores.amplitude, comparison.scores.phase
        sys.stdout.write(
            f"{name}: amplitude r {amplitude.correlation:.3f}, phase r {phase.correlation:.3f}\n"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/04"))

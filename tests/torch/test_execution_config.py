"""Every field of PyTorchExecutionConfig has an effect on a training or a reconstruction."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch.utils.data import DataLoader

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho.reconstruction.picture import PictureOptions, batch_size_of
from ptycho.scan.frame_store import LazyFrames
from ptycho.simulate.scan import Simulation, simulate
from ptycho.training.groups import Groups
from ptycho.training.result import TrainingResult
from ptycho_torch.config_factory import create_training_payload
from ptycho_torch.lit import data, infer, trainer
from ptycho_torch.lit.callbacks import StopEarly
from ptycho_torch.lit.module import PtychoModule
from ptycho_torch.lit.train import train

Run = Callable[..., TrainingResult]

N_FRAMES = 20


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 20 frames."""
    scan = simulate(Simulation(N=64, n_frames=N_FRAMES, step_px=6.0))
    return scan.to_file(tmp_path_factory.mktemp("scan") / "scan.npz")


@pytest.fixture(scope="module")
def scan(scan_file: Path) -> RawData:
    """The scan of the file."""
    return RawData.from_file(scan_file)


@pytest.fixture
def run(scan_file: Path, scan: RawData, tmp_path: Path) -> Run:
    """Train a small network with execution settings given by keyword."""

    def make(
        folder: str = "run", *, nepochs: int = 1, progress: bool | None = None, **settings: Any
    ) -> TrainingResult:
        overrides = {
            "n_groups": N_FRAMES,
            "gridsize": 1,
            "architecture": "unet",
            "n_filters_scale": 1,
            "unet_stages": 1,
            "amp_activation": "sigmoid",
            "batch_size": 4,
            "nepochs": nepochs,
            "validation_fraction": 0.2,
        }
        execution = PyTorchExecutionConfig(**{"accelerator": "cpu"} | settings)
        payload = create_training_payload(scan_file, tmp_path / folder, overrides, execution)
        return train(payload, scan, tmp_path / folder, progress=progress)

    return make


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Note the trainer and its loaders while a real training runs."""
    found: dict[str, Any] = {}
    real = pl.Trainer.fit

    def fit(self: pl.Trainer, module: Any, first: Any, second: Any, **more: Any) -> None:
        found.update(trainer=self, loader=first, deterministic=torch.are_deterministic_algorithms_enabled())
        found.update(threads=torch.get_num_threads())
        real(self, module, first, second, **more)

    monkeypatch.setattr(pl.Trainer, "fit", fit)
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Read the last weights of a run."""
    state: dict[str, torch.Tensor] = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    return state


def largest_change(first: Path, second: Path) -> float:
    """Compare the last weights of two runs."""
    one, two = weights(first), weights(second)
    return max(float((one[name].double() - two[name].double()).abs().max()) for name in one)


def test_accelerator_is_where_the_training_runs(run: Run, seen: dict[str, Any]) -> None:
    """Lightning gets the accelerator that was set."""
    assert run().device == "cpu"
    assert type(seen["trainer"].accelerator).__name__ == "CPUAccelerator"


@pytest.mark.parametrize(("strategy", "kind"), [("auto", SingleDeviceStrategy), ("ddp", DDPStrategy)])
def test_strategy_is_lightnings(strategy: str, kind: type, tmp_path: Path) -> None:
    """The strategy is Lightning's of that name."""
    assert isinstance(make_trainer(tmp_path, strategy=strategy).strategy, kind)


@pytest.mark.parametrize("devices", [1, 3])
def test_devices_are_as_many_as_set(devices: int, tmp_path: Path) -> None:
    """The trainer works on that many devices."""
    assert make_trainer(tmp_path, devices=devices, strategy="ddp").num_devices == devices


def make_trainer(folder: Path, **settings: Any) -> pl.Trainer:
    """Make a trainer without running it."""
    execution = PyTorchExecutionConfig(**{"accelerator": "cpu", "deterministic": False} | settings)
    with trainer.quiet():
        return trainer.make_trainer(execution, folder, epochs=1, callbacks=[], show_progress=False)


@pytest.mark.parametrize("deterministic", [True, False])
def test_deterministic_reaches_torch(deterministic: bool, run: Run, seen: dict[str, Any]) -> None:
    """Torch is told to use deterministic algorithms, for the training alone."""
    run(deterministic=deterministic, threads=1)
    assert seen["deterministic"] is deterministic
    assert not torch.are_deterministic_algorithms_enabled()


def largest_gradients(run: Run, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> dict[str, float]:
    """Train, and measure the gradients that reach the optimiser."""
    measured = {"norm": 0.0, "value": 0.0, "ratio": 0.0}
    real = PtychoModule.configure_gradient_clipping

    def look(self: PtychoModule, optimizer: Any, *limits: Any, **more: Any) -> None:
        real(self, optimizer, *limits, **more)
        parameters = [p for p in self.network.core.parameters() if p.grad is not None]
        norms = torch.stack([p.grad.norm() for p in parameters if p.grad is not None])
        kernels = [p for p in parameters if p.ndim == 4]
        ratios = [p.grad.flatten(1).norm(dim=1) / p.detach().flatten(1).norm(dim=1) for p in kernels]  # type: ignore[union-attr]
        found = {
            "norm": float(norms.norm()),
            "value": max(float(p.grad.abs().max()) for p in parameters if p.grad is not None),
            "ratio": max(float(ratio.max()) for ratio in ratios),
        }
        measured.update({name: max(measured[name], value) for name, value in found.items()})

    with monkeypatch.context() as patch:
        patch.setattr(PtychoModule, "configure_gradient_clipping", look)
        run(**settings)
    return measured


@pytest.mark.parametrize(("algorithm", "measure"), [("norm", "norm"), ("value", "value"), ("agc", "ratio")])
def test_gradient_clip_algorithm_bounds_what_it_names(
    algorithm: str, measure: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Norm bounds the length of all gradients, value each element, agc each unit relative to its weights."""
    limit = largest_gradients(run, monkeypatch)[measure] / 10
    settings = {"gradient_clip_val": limit, "gradient_clip_algorithm": algorithm}
    assert largest_gradients(run, monkeypatch, **settings)[measure] <= 1.001 * limit


def test_accum_steps_make_steps_rarer(run: Run, seen: dict[str, Any]) -> None:
    """16 training frames in batches of 4 are 4 steps an epoch; accumulated by twos, they are 2."""
    run(accum_steps=1)
    plain = seen["trainer"].global_step
    run(accum_steps=2)
    assert (plain, seen["trainer"].global_step) == (4, 2)


def test_num_workers_load_in_processes(run: Run, seen: dict[str, Any], tmp_path: Path) -> None:
    """Loading processes change nothing but where the loading happens."""
    run("here")
    run("there", num_workers=1, persistent_workers=True, prefetch_factor=4)
    assert seen["loader"].num_workers == 1
    assert largest_change(tmp_path / "here", tmp_path / "there") == 0


def loader(scan: RawData, device: str = "cpu", **settings: Any) -> DataLoader[data.Batch]:
    """Make a loader as a training on that device would."""
    execution = PyTorchExecutionConfig(accelerator="cpu", **settings)
    arguments, _ = data.loader_arguments(execution, torch.device(device))
    store = LazyFrames(scan, 1.0)
    groups = Groups(scan, np.arange(N_FRAMES)[:, np.newaxis], store)
    return data.make_loader(data.TorchGroups(groups, data.HostFrames(store)), 4, arguments)


def test_persistent_workers_reach_the_loader(scan: RawData) -> None:
    """Loading processes stay between epochs if asked to."""
    assert loader(scan, num_workers=1, persistent_workers=True).persistent_workers
    assert not loader(scan, num_workers=1).persistent_workers


def test_prefetch_factor_reaches_the_loader(scan: RawData) -> None:
    """Each loading process holds that many batches ready; torch's own number is 2."""
    assert loader(scan, num_workers=1, prefetch_factor=5).prefetch_factor == 5
    assert loader(scan, num_workers=1).prefetch_factor == 2


def test_pin_memory_reaches_the_loader(scan: RawData) -> None:
    """Host memory is pinned for CUDA if asked to."""
    assert loader(scan, "cuda", pin_memory=True).pin_memory
    assert not loader(scan, "cuda").pin_memory


@pytest.mark.parametrize(("asked", "given", "shown"), [(True, None, 1), (False, None, 0), (False, True, 1)])
def test_enable_progress_bar_shows_the_epochs(
    asked: bool, given: bool | None, shown: int, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    """A line an epoch in a log, or nothing; the caller's word goes first."""
    run(enable_progress_bar=asked, progress=given, nepochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert len([line for line in err.split("\n") if line.strip()]) == 2 * shown
    assert err.count("epoch 2/2") == shown
    assert err.count("100 %") == shown


def test_checkpoint_mode_is_that_of_all_ranks(run: Run, seen: dict[str, Any]) -> None:
    """Checkpoints and the early end are told the same mode."""
    run(checkpoint_mode="max")
    assert seen["trainer"].checkpoint_callback.mode == "max"
    (stop,) = (callback for callback in seen["trainer"].callbacks if isinstance(callback, StopEarly))
    assert stop.rule.ranking.mode == "max"


@pytest.mark.parametrize("size", [3, None])
def test_inference_batch_size_cuts_the_steps(size: int | None, run: Run, scan: RawData) -> None:
    """Steps are that large; without one they are those of the inference settings."""
    execution = PyTorchExecutionConfig(accelerator="cpu", inference_batch_size=size)
    trained = run()
    heard: list[int] = []
    infer.reconstruct(
        trained.network,
        trained.normalisation,
        scan,
        batch_size=batch_size_of(execution, 16),
        on_batch=heard.append,
    )
    assert heard[0] == (size or 16)


def test_middle_trim_and_pad_eval_shape_the_picture(run: Run, scan: RawData) -> None:
    """A trimmed border narrows the picture; a padded canvas keeps the rim."""
    trained = run()
    shapes = {
        (trim, pad): infer.reconstruct(
            trained.network,
            trained.normalisation,
            scan,
            options=PictureOptions(middle_trim=trim, pad_eval=pad),
        ).object.shape[0]
        for trim in (0, 24)
        for pad in (False, True)
    }
    assert shapes[0, False] < shapes[0, True]
    assert shapes[24, False] < shapes[0, False]


def test_pad_eval_keeps_whole_patches(run: Run, scan: RawData) -> None:
    """The padded canvas reaches N/2 beyond the outermost positions."""
    trained = run()
    found = infer.reconstruct(
        trained.network, trained.normalisation, scan, options=PictureOptions(pad_eval=True)
    )
    assert found.object.shape[1] >= np.ptp(scan.positions[:, 0]) + 64


@pytest.mark.parametrize(("threads", "expected"), [(2, 2), (None, 1)])
def test_threads_are_those_of_the_reconstruction(
    threads: int | None, expected: int, run: Run, scan: RawData
) -> None:
    """Torch works with that many threads while it reconstructs, and has its own back afterwards."""
    trained, seen_inside, before = run(), [], torch.get_num_threads()
    infer.reconstruct(
        trained.network,
        trained.normalisation,
        scan,
        options=PictureOptions(threads=threads),
        on_batch=lambda _: seen_inside.append(torch.get_num_threads()),
    )
    assert set(seen_inside) == {expected}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("threads", "expected"), [(2, 2), (None, 1)])
def test_threads_are_those_of_the_training(
    threads: int | None, expected: int, run: Run, seen: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Torch works with that many threads while it trains, and the log says why."""
    caplog.set_level(logging.INFO)
    before = torch.get_num_threads()
    run(threads=threads)
    assert seen["threads"] == expected
    assert torch.get_num_threads() == before
    assert any(record.getMessage().startswith(f"{expected} CPU thread") for record in caplog.records)

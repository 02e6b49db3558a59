"""An architecture and a loss term that are added at run time train from a settings file, on each backend."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ptycho.commands.main import main
from ptycho.network.architecture import Architecture
from ptycho.network.blocks import Block, bounded_phase
from ptycho.network.settings import NetworkSettings
from ptycho.settings.registries import ARCHITECTURES, LOSS_TERMS
from ptycho.training.loss import LossTerm, LossWeights


class Shallow(Block):
    """A network of a test: one convolution for the amplitude, one for the phase."""

    def __init__(self, layers: Any, settings: NetworkSettings) -> None:
        super().__init__(layers)
        self.amplitude = layers.convolution(settings.positions, settings.positions)
        self.phase = layers.convolution(settings.positions, settings.positions)
        self._bounds = layers.activation(settings.amp_activation), bounded_phase(layers)

    def __call__(self, measured: Any) -> Any:
        """Map amplitudes to patches."""
        features = self._layers.from_images(measured)
        images = [
            self._layers.to_images(bound(self._layers.ops.cast_like(part(features), measured)))
            for bound, part in zip(self._bounds, (self.amplitude, self.phase), strict=True)
        ]
        return self._layers.ops.polar(*images)


@pytest.fixture
def shallow(other: str) -> Iterator[None]:
    """An architecture for both backends, and one for the other backend alone."""
    sides = {"sides": (64,), "sides_text": "64"}
    ARCHITECTURES.add("shallow", Architecture("shallow", **sides, blocks=Shallow))
    ARCHITECTURES.add("foreign", Architecture("foreign", **sides, builders={other: "nowhere:build"}))
    yield
    ARCHITECTURES.remove("shallow")
    ARCHITECTURES.remove("foreign")


@pytest.fixture
def brightness() -> Iterator[None]:
    """A loss term that asks for dark amplitudes."""
    term = LossTerm("brightness", lambda inputs: inputs.ops.reduce_mean(inputs.ops.square(inputs.predicted)))
    LOSS_TERMS.add("brightness", term)
    yield
    LOSS_TERMS.remove("brightness")


def settings(folder: Path, change: Callable[[str], str]) -> Path:
    """Change the settings file of a job."""
    path = folder / "run.toml"
    path.write_text(change(path.read_text()))
    return path


def in_architecture(folder: Path, name: str) -> Path:
    """Choose another architecture in the settings file."""
    return settings(folder, lambda text: text.replace('"unet"', f'"{name}"').replace("unet_stages = 1\n", ""))


@pytest.mark.usefixtures("shallow")
def test_a_new_architecture_trains_and_reconstructs(job: Path) -> None:
    """Its entry is all that a new architecture has to say: it learns, and its bundle opens again."""
    assert main(["train", str(in_architecture(job, "shallow")), "--quiet"]) == 0
    with (job / "run" / "metrics.csv").open(newline="") as file:
        first, *_, last = (float(row["train_loss"]) for row in csv.DictReader(file))
    assert last < first
    assert (
        main(["infer", str(job / "run"), "--scan", str(job / "other.npz"), "--accelerator", "cpu", "--quiet"])
        == 0
    )


@pytest.mark.usefixtures("shallow")
def test_a_backend_that_cannot_build_it_says_so(side: Any, backend: str, other: str) -> None:
    """The error names the backends that can."""
    import numpy as np

    with pytest.raises(ValueError, match="cannot be built") as error:
        side.build(NetworkSettings(architecture="foreign"), np.ones((1, 64, 64), complex), 1.0, "float32")
    assert str(error.value) == (
        f"the architecture 'foreign' cannot be built by the backend '{backend}'\n"
        f"  known here  {other}\n"
        f"  try         `blocks`, or builders['{backend}'], in the entry of 'foreign'"
    )


def test_an_unknown_architecture_is_refused(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is built in its place, and the error names those that there are."""
    assert main(["train", str(in_architecture(job, "shallow")), "--quiet"]) == 2
    message = capsys.readouterr().err
    assert "Invalid architecture 'shallow'. Expected one of ['canvas_unet', 'cnn', 'unet']." in message


@pytest.mark.usefixtures("brightness")
def test_a_new_loss_term_is_learned_from(job: Path) -> None:
    """Its entry and a weight in the settings file are all that a new term needs."""
    path = settings(
        job, lambda text: text.replace("[inference]", "[training.loss_terms]\nbrightness = 0.5\n[inference]")
    )
    assert main(["train", str(path), "--quiet"]) == 0
    with (job / "run" / "metrics.csv").open(newline="") as file:
        row = next(iter(csv.DictReader(file)))
    terms = {name: float(row[f"train_{name}"]) for name in ("mae", "brightness")}
    assert float(row["train_loss"]) == pytest.approx(terms["mae"] + 0.5 * terms["brightness"], rel=1e-4)


def test_an_unknown_loss_term_is_refused() -> None:
    """The error names the terms that there are."""
    with pytest.raises(ValueError, match="unknown loss term 'brightness'") as error:
        LossWeights(further={"brightness": 0.5})
    assert str(error.value) == (
        "unknown loss term 'brightness'\n  known here  labels, mae, nll, tv\n  try         labels"
    )

"""Train the network that comes with the package: one set of weights for every beam and sample.

`make zoo` runs it. It sees nothing but simulated scans (`ptycho.zoo.lessons`), one a step; seed and number of
steps settle the weights, as far as the floating point of the machine does.

Shape legend: n frames, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

import argparse
import csv
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ptycho.files.atomic import replacing
from ptycho.network.canvases import ScanCanvas
from ptycho.network.settings import NetworkSettings
from ptycho.network.unrolled import CanvasUNet, FramesAtOnce, Illumination
from ptycho.zoo.every_scan import write_network
from ptycho.zoo.lessons import Lesson, draw_lesson

from .layers import Core, TorchLayers
from .model import initialise
from .naming import canonical_array, canonical_name
from .physics import PHYSICS

_log = logging.getLogger(__name__)

UNIVERSAL = NetworkSettings(architecture="canvas_unet", unet_stages=3, n_filters_scale=2)
"""Shape of the network; its frame side, positions and probe are those of each scan."""

STATE, WEIGHTS, LOSSES = "state.pt", "universal.safetensors", "losses.csv"
"""Files of a training: to go on from, to use, and to look at."""

WARM_UP = 200
"""Steps in which the rate rises."""

CLIP_NORM = 1.0

BETAS = (0.9, 0.95)
"""Decays of Adam's means of gradients and of their squares, under which no step exceeds 1.17 rates.

By the inequality of Cauchy and Schwarz, a step is at most (1 - b1) / sqrt((1 - b2) (1 - b1^2 / b2)) rates.
With the usual 0.999 that is 7.3, where small gradients turn large. In one run the deep levels of the first
pass so grew on one another, between lessons 4,000 and 4,250: the logits reached 1e8, and nothing was learned
any more."""

BRIGHT = 0.3
"""Light, as a share of the brightest, from which a pixel of the picture counts wholly."""

PICTURE_WEIGHTS = (0.1, 0.2, 0.5)
"""Weights of the error of the picture after each pass, beside that of the predicted amplitudes."""


@dataclass(frozen=True)
class Course:
    """How long, and how fast: a rate that rises, stays, and falls to zero at the end.

    The steps before the fall do not depend on the number of steps: a training that stopped early becomes a
    whole one by its fall alone.

    Attributes:
        steps: Lessons.
        fall: Share of the steps in which the rate falls.
        rate: Learning rate of Adam.
        seed: Seed of weights and lessons.
    """

    steps: int
    fall: float
    rate: float
    seed: int

    def rate_at(self, step: int) -> float:
        """Give the learning rate of a step."""
        left = (self.steps - step) / max(self.fall * self.steps, 1.0)
        return self.rate * min(1.0, (step + 1) / WARM_UP, left)


class Lessons(Dataset[Lesson]):
    """Lessons by their number, from one on."""

    def __init__(self, seed: int, first: int, last: int) -> None:
        self._seed, self._first, self._last = seed, first, last

    def __len__(self) -> int:
        return self._last - self._first

    def __getitem__(self, number: int) -> Lesson:
        return draw_lesson(self._seed, self._first + number)


class Errors(NamedTuple):
    """What is minimised, term by term.

    Attributes:
        amplitude: Mean error of the predicted amplitudes, against those without noise.
        pictures: Mean complex error of the picture after each pass, up to a phase, weighed by the light.
    """

    amplitude: Tensor
    pictures: list[Tensor]

    @property
    def total(self) -> Tensor:
        """The loss."""
        weighed = [w * error for w, error in zip(PICTURE_WEIGHTS, self.pictures, strict=True)]
        return self.amplitude + torch.stack(weighed).sum()


def judge(network: CanvasUNet, lesson: Lesson) -> Errors:
    """Let the network reconstruct a lesson's scan, and compare with what is known."""
    N = lesson.measured.shape[-1]
    relative = torch.from_numpy(-lesson.positions.astype(np.float32))[None]
    canvas = ScanCanvas(PHYSICS, relative, N, network.depth.multiple)
    sample = FramesAtOnce(_light(lesson, canvas), canvas)
    truth, weight = _target(lesson, sample)
    pictures = list(network.pictures(sample))
    errors = [_picture_error(picture, truth, weight) for picture in pictures]
    waves = PHYSICS.exit_waves(canvas.cut(pictures[-1]), canvas.lit_by(torch.from_numpy(lesson.true_probe)))
    amplitude = (PHYSICS.amplitude(waves) - torch.from_numpy(lesson.expected)[None]).abs().mean()
    return Errors(amplitude, errors)


def _light(lesson: Lesson, canvas: ScanCanvas) -> Illumination:
    N = lesson.measured.shape[-1]
    return Illumination(
        physics=PHYSICS,
        measured=torch.from_numpy(lesson.measured)[None],
        good=torch.ones(N, N, dtype=torch.bool),
        probe=canvas.lit_by(torch.from_numpy(lesson.probe)),
        disk=None,
        sigma=0.0,
    ).cornered()


def _target(lesson: Lesson, sample: FramesAtOnce) -> tuple[Tensor, Tensor]:
    """Lay the truth on the network's canvas, whose sides are rounded up, and weigh its pixels."""
    light = sample.intensity()
    truth = torch.zeros(light.shape[1:], dtype=torch.complex64)
    height, width = lesson.object.shape
    truth[:height, :width] = torch.from_numpy(lesson.object)
    return truth[None], ((light / light.amax()).clamp(max=BRIGHT) / BRIGHT).sqrt()


def _picture_error(picture: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    overlap = (weight * picture * truth.conj()).sum()
    turn = overlap.detach() / overlap.detach().abs().clamp(min=1e-9)
    return (weight * (picture - turn * truth).abs()).sum() / weight.sum()


def train(course: Course, folder: Path, *, workers: int = 1, save_every: int = 250) -> None:
    """Train, and leave weights, the state to go on from, and the losses in a folder.

    A folder that holds a state is gone on from.

    Args:
        course: How long and how fast.
        folder: Where they go; made when missing.
        workers: Processes that draw lessons; 0 draws them between the steps.
        save_every: Steps between two states.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = CanvasUNet(TorchLayers(), UNIVERSAL)
    core: Any = Core(network)
    initialise(core, course.seed)
    core.to(memory_format=torch.channels_last)  # Convolutions on the CPU are faster so.
    optimiser = torch.optim.Adam(core.parameters(), lr=course.rate, betas=BETAS)
    first = _restore(folder, core, optimiser)
    loader = DataLoader(
        Lessons(course.seed, first, course.steps), batch_size=None, shuffle=False, num_workers=workers
    )
    began, sums = time.process_time(), np.zeros(5)
    for step, lesson in enumerate(loader, first):
        for group in optimiser.param_groups:
            group["lr"] = course.rate_at(step)
        errors = judge(network, lesson)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(errors.total)
        torch.nn.utils.clip_grad_norm_(core.parameters(), CLIP_NORM, error_if_nonfinite=True)
        optimiser.step()
        sums += [1.0, float(errors.amplitude.detach()), *(float(e.detach()) for e in errors.pictures)]
        if (step + 1) % save_every == 0 or step + 1 == course.steps:
            row = [step + 1, course.rate_at(step), *(sums[1:] / sums[0]), time.process_time() - began]
            _note(folder, row)
            sums[:] = 0.0
            _save(folder, core, optimiser, step + 1)


def _note(folder: Path, row: list[float]) -> None:
    journal = folder / LOSSES
    fresh = not journal.exists()
    with journal.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(["step", "rate", "amplitude", "pass_1", "pass_2", "pass_3", "cpu_seconds"])
        writer.writerow([f"{value:.6g}" for value in row])
    _log.info("step %d: amplitude %.4f, picture %.4f, %.4f, %.4f", row[0], *row[2:6])


def _save(folder: Path, core: Core, optimiser: torch.optim.Optimizer, step: int) -> None:
    state: dict[str, Any] = {"step": step, "core": core.state_dict(), "optimiser": optimiser.state_dict()}
    with replacing(folder / STATE) as part:
        torch.save(state, part)
    weights = {
        canonical_name(f"core.{name}"): canonical_array(value) for name, value in state["core"].items()
    }
    write_network(folder / WEIGHTS, UNIVERSAL.as_dict(), weights)


def _restore(folder: Path, core: Core, optimiser: torch.optim.Optimizer) -> int:
    """Take up the state of a folder, and give the number of its steps; 0 where there is none."""
    path = folder / STATE
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    core.load_state_dict(state["core"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def main(arguments: list[str] | None = None) -> None:
    """Train from the command line."""
    title = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m ptycho_torch.nn.universal", description=title)
    parser.add_argument("folder", type=Path, help="where weights, state and losses go")
    parser.add_argument("--steps", type=int, default=10300, help="lessons (default 10300)")
    parser.add_argument(
        "--fall", type=float, default=0.125, help="share of the steps in which the rate falls"
    )
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate of Adam (default 2e-3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and lessons (default 0)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw lessons (default 1)")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    course = Course(chosen.steps, chosen.fall, chosen.rate, chosen.seed)
    train(course, chosen.folder, workers=chosen.workers)


if __name__ == "__main__":
    main()

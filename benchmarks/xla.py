"""TensorFlow's training step as a graph and compiled by XLA: seconds of a step, and of its first call.

Both take the loss and its slopes of the same batch, in turns in one process. Groups of several positions
share a canvas whose side depends on their offsets, which XLA cannot compile: single positions are measured.

    .venv/bin/python benchmarks/xla.py
    .venv/bin/python benchmarks/xla.py --accelerator cuda --batch 64
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def main() -> None:
    """Print the table, one line as soon as it is known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--architecture", nargs="+", choices=("cnn", "unet"), default=["cnn", "unet"], help="default: both")
    add("--N", nargs="+", type=int, default=[64, 128], help="sides of a frame (default: 64 128)")
    add("--batch", type=int, default=8, help="positions of a step (default: %(default)s)")
    add(
        "--steps",
        type=int,
        default=6,
        help="steps of each; the fastest counts (default: %(default)s)",
    )
    add("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    add("--accelerator", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    options = parser.parse_args()
    if options.accelerator == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    print("| case | graph s | XLA s | XLA / graph | graph first s | XLA first s |\n|---|---|---|---|---|---|")
    for architecture in options.architecture:
        for N in options.N:
            graph, xla = contest(architecture, N, options)
            cells = [f"{graph[0]:.3g}", f"{xla[0]:.3g}", f"{xla[0] / graph[0]:.2f}"]
            cells += [f"{first:.3g}" for _, first in (graph, xla)]
            print(f"| {architecture}-{N} | {' | '.join(cells)} |", flush=True)


def contest(architecture: str, N: int, options: argparse.Namespace) -> list[tuple[float, float]]:
    """Give the fastest step and the first one, of the graph and of XLA."""
    from ptycho.tf.start import start

    start()
    import tensorflow as tf

    from ptycho.tf.threads import take_threads
    from ptycho.training.threads import ThreadChoice

    take_threads(ThreadChoice(options.threads, "as set"))
    with tf.device("/GPU:0" if options.accelerator == "cuda" else "/CPU:0"):
        slopes, arguments = step_of(architecture, N, options.batch)
        steps = [tf.function(slopes, jit_compile=compiled, autograph=False) for compiled in (False, True)]
        firsts = [seconds(lambda step=step: step(*arguments)) for step in steps]
        times: list[list[float]] = [[], []]
        for _ in range(options.steps):
            for taken, step in zip(times, steps, strict=True):
                taken.append(seconds(lambda step=step: step(*arguments)))
    return [(min(taken), first) for taken, first in zip(times, firsts, strict=True)]


def step_of(architecture: str, N: int, batch: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Make the function that gives loss and slopes, and a batch for it."""
    import tensorflow as tf

    from ptycho.network.settings import NetworkSettings
    from ptycho.optics.model import draw_beam
    from ptycho.tf import operations
    from ptycho.tf.model import PtychoNetwork
    from ptycho.training.loss import Loss, LossWeights

    rng = np.random.default_rng(0)
    settings = NetworkSettings(N=N, architecture=architecture, probe_trainable=True)
    probe = draw_beam("zone_plate", N)[None] * N / np.sqrt(2)  # Twice the energy of a frame of X.
    network = PtychoNetwork(settings, probe, 1.0, dtype="float32")
    loss = Loss(operations, LossWeights(nll=0, mae=1))
    learned = [variable.value for variable in network.trainable_variables]

    def slopes(X: Any, relative: Any) -> Any:
        with tf.GradientTape() as tape:
            total, _ = loss(network((X, relative)), X, network.measured_scale)
        return total, tape.gradient(total, learned)

    X = tf.constant(rng.random((batch, 1, N, N)), tf.float32)
    return slopes, (X, tf.zeros((batch, 1, 2)))


def seconds(work: Callable[[], Any]) -> float:
    """Time a step until its loss is known."""
    began = time.perf_counter()
    float(work()[0])
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

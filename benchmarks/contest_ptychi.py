"""Reconstruct one scan of the contest with pty-chi, in an environment of its own, and keep what it makes.

pty-chi is no dependency: install `ptychi` into another environment with the same CPU torch, and let
`benchmarks/contest.py --ptychi PYTHON` call this file with that environment's interpreter.
"""

import argparse
import time

import numpy as np


def main() -> None:
    """Read frames, positions and probe from an archive, write objects and processor seconds into another."""
    began = time.process_time()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scan", help="archive with intensities, positions [x, y] and probe")
    parser.add_argument("result", help="archive to write")
    parser.add_argument("--algorithm", choices=("LSQML", "EPIE", "DM"), default="LSQML")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--every", type=int, default=10, help="epochs between two objects that are kept")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--step", type=float, help="step of object and probe (default: pty-chi's own)")
    options = parser.parse_args()
    import torch
    from ptychi import api
    from ptychi.api.task import PtychographyTask

    torch.set_num_threads(1)
    with np.load(options.scan, allow_pickle=False) as file:
        scan = {name: file[name] for name in ("intensities", "positions", "probe")}
    asked = getattr(api, f"{options.algorithm}Options")()
    asked.data_options.data = scan["intensities"]
    asked.reconstructor_options.num_epochs = options.epochs
    asked.reconstructor_options.batch_size = options.batch
    asked.reconstructor_options.default_device = api.Devices.CPU
    asked.reconstructor_options.random_seed = 0
    x, y = scan["positions"].T - scan["positions"].mean(axis=0)[:, None]
    asked.probe_position_options.position_x_px, asked.probe_position_options.position_y_px = x, y
    sides = [int(np.ptp(values)) + scan["probe"].shape[-1] + 20 for values in (y, x)]
    asked.object_options.initial_guess = torch.ones([1, *sides], dtype=torch.complex64)
    asked.probe_options.initial_guess = torch.tensor(scan["probe"][None])
    if options.step is not None:
        asked.object_options.step_size = asked.probe_options.step_size = options.step
    task = PtychographyTask(asked)
    ready, objects, seconds = time.process_time(), [], []
    for _ in range(options.every, options.epochs + 1, options.every):
        task.run(options.every)
        seconds.append(time.process_time() - ready)
        objects.append(task.get_data_to_cpu("object", as_numpy=True)[0])
    np.savez(options.result, objects=np.stack(objects), seconds=seconds, start_s=ready - began)


if __name__ == "__main__":
    main()

"""What a GPU gives: sweeps, patches and training samples a second, memory, agreement with the CPU.

Everything is computed with the same numbers on the CPU, too; what is said of agreement is the relative l2
distance. Without a GPU all of it runs on the CPU, to show that it runs. One call fits a lease of ten minutes:

    .venv/bin/python benchmarks/gpu.py
    .venv/bin/python benchmarks/gpu.py --frames 64 --device cpu
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch  # noqa: TID253  It is about nothing else.

from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import measure
from ptycho.reconstruction.from_frames import Picture, reconstruct_frames
from ptycho.reconstruction.iteration import Measurement
from ptycho.simulate.scan import Simulation, simulate
from ptycho_torch.nn.iteration import TorchSweeps
from ptycho_torch.nn.model import PtychoNetwork

SWEEPS = 20
ROUNDS = 5


def timed(device: str, work: Callable[[], object]) -> float:
    """Give the wall seconds of the fastest round of a few, the device's own work waited for."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Give the relative l2 distance of one array from another."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def sweep(device: str, measurement: Measurement, probe: np.ndarray, counts: float) -> tuple[Picture, float]:
    """Reconstruct, and give sweeps a second with opening and reading back."""
    began = time.perf_counter()
    made = reconstruct_frames(TorchSweeps(device), measurement, probe, counts_of_unit=counts, sweeps=SWEEPS)
    return made, SWEEPS / (time.perf_counter() - began)


def train(network: PtychoNetwork, frames: torch.Tensor) -> Callable[[], None]:
    """Give a step of a training by amplitudes."""
    optimiser = torch.optim.Adam(network.parameters())

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        (network(frames).amplitude - frames).abs().mean().backward()
        optimiser.step()

    return step


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--frames", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=256, help="frames that the network sees at once")
    parser.add_argument("--architecture", default="unet")
    options = parser.parse_args()
    device = options.device
    scan = simulate(Simulation(n_frames=options.frames, nphotons=1e6))
    scales = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probe_modes)
    frames = (scan.amplitudes(np.arange(scan.n_frames)) * scales.amplitude_factor).astype(np.float32)
    probe, counts = scales.probe(scan.probe_modes), scales.intensity_scale**2
    measurement = Measurement(frames.__getitem__, scan.positions)
    print(f"{device}: {torch.cuda.get_device_name() if device == 'cuda' else 'as it is'}")
    sweep(device, measurement, probe, counts)
    here, per_second = sweep(device, measurement, probe, counts)
    there, of_cpu = sweep("cpu", measurement, probe, counts)
    print(f"sweeps/s over {scan.n_frames} frames: {per_second:.2f} (CPU {of_cpu:.2f})")
    print(f"their pictures differ by {distance(here.object, there.object):.1e}", flush=True)
    settings = NetworkSettings(N=scan.N, architecture=options.architecture)
    seen = torch.from_numpy(frames[: options.batch, None])
    patches = []
    for place in (device, "cpu"):
        network = PtychoNetwork(settings, probe, scales.intensity_scale).to(place)
        shown = seen.to(place)
        with torch.inference_mode():
            patches.append(network.patches(shown, None).cpu().numpy())
            seconds = timed(place, lambda network=network, shown=shown: network.patches(shown, None))
        print(f"patches/s on {place}: {len(seen) / seconds:.0f}")
        seconds = timed(place, train(network, shown))
        print(f"training samples/s on {place}: {len(seen) / seconds:.0f}", flush=True)
    print(f"patches differ by {distance(*patches):.1e}")
    if device == "cuda":
        print(f"peak memory: {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()

"""What one training payload costs: time with full provenance, import time and memory, cost by file size.

Run: python benchmarks/factory.py
"""

import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path

import numpy as np

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.run.data_file import SETTLED_NS
from ptycho_torch.config_factory import create_training_payload, infer_probe_size

# The resident size is read after the import: the peak that the system reports is the parent's at the fork.
IMPORT = """
import time
start = time.perf_counter()
import ptycho_torch.config_factory
seconds = time.perf_counter() - start
import psutil
print(f"{seconds:.3f} s, {psutil.Process().memory_info().rss / 2**20:.0f} MB")
"""


def best_microseconds(call: object, number: int = 100) -> float:
    """Measure the fastest of ten rounds; on a busy machine that is the only figure that means something."""
    return min(timeit.repeat(call, number=number, repeat=10)) / number * 1e6  # type: ignore[arg-type]


def main() -> None:
    """Print the figures."""
    config = PyTorchExecutionConfig(accelerator="cpu", learning_rate=3e-4)
    overrides = {"n_groups": 512, "gridsize": 2, "max_epochs": 3}
    with tempfile.TemporaryDirectory() as folder:
        scans = [Path(folder) / f"{frames}.npz" for frames in (16, 16_000)]
        for frames, scan in zip((16, 16_000), scans, strict=True):
            np.savez(
                scan, diff3d=np.zeros((frames, 64, 64), np.float32), probeGuess=np.ones((64, 64), complex)
            )
        time.sleep(2 * SETTLED_NS / 1e9)  # a file that was written just now is opened each time
        for scan in scans:
            size = scan.stat().st_size / 2**20
            probe = best_microseconds(lambda scan=scan: infer_probe_size(scan))
            payload = best_microseconds(
                lambda scan=scan: create_training_payload(scan, folder, overrides, config)
            )
            print(f"scan of {size:.1f} MB: probe {probe:.0f} us, training payload {payload:.0f} us")
    done = subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True)
    print(f"import of the factory: {done.stdout.strip()}")


if __name__ == "__main__":
    main()

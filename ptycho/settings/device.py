"""Turn accelerator 'auto' into a device of this machine, at the least cost that is still honest.

The library that will compute is the judge of what it can use, but its import takes seconds. It is asked only
where a driver is there to be used; where the operating system shows none, the answer is known without it.
"""

import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.registries import BACKENDS

# NVIDIA on Linux, NVIDIA under WSL and in Tegra boards, AMD (torch calls its ROCm devices "cuda" too).
_DRIVER_FILES = (
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/dev/nvidia-caps",
    "/proc/driver/nvidia/version",
    "/dev/dxg",
    "/dev/nvhost-ctrl-gpu",
    "/dev/nvhost-gpu",
    "/dev/nvgpu",
    "/dev/kfd",
)
_VISIBILITY = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


class Device(NamedTuple):
    """The accelerator to use on a machine, and the evidence for it in words."""

    accelerator: str
    evidence: str


def find_accelerator(backend: str = "pytorch") -> Device:
    """Name the best accelerator that a backend can use here: cuda, else mps, else cpu."""
    library = BACKENDS[backend]
    package = sys.modules.get(library.package)
    if package is None:
        absence = _absence()
        if absence is not None:
            return Device("cpu", absence)
        package = _import(library.package)
        if package is None:
            return Device("cpu", f"{library.package} is not installed")
    accelerator, evidence = library.best_accelerator(package)
    return Device(accelerator, evidence)


def settle_accelerator(backend: str = "pytorch") -> Device:
    """Find the best accelerator, and say so where it is only the CPU.

    Args:
        backend: The library that will compute.

    Warns:
        UserWarning: POLICY-001, once per call that falls back to the CPU.
    """
    device = find_accelerator(backend)
    if device.accelerator == "cpu":
        warnings.warn(
            f"POLICY-001: No CUDA device detected ({device.evidence}); accelerator 'auto' becomes 'cpu'. "
            "Name accelerator='cpu' to say that this is meant.",
            UserWarning,
            stacklevel=outside_stack_level(),
        )
    return device


def resolve_accelerator(requested: str = "auto") -> str:
    """Give back a named accelerator as it is, and 'auto' as what this machine has.

    Warns:
        UserWarning: POLICY-001, once per call that falls back to the CPU.
    """
    return settle_accelerator().accelerator if requested == "auto" else requested


def _absence() -> str | None:
    """Say why no accelerator can be there, as far as that is known without torch."""
    import platform  # 2 ms that only a run with accelerator 'auto' pays

    system = platform.system()
    if system == "Linux":
        hidden = [name for name in _VISIBILITY if os.environ.get(name, "0").strip() in {"", "-1"}]
        if hidden:
            return f"{hidden[0]} hides every device"
        if not any(Path(name).exists() for name in _DRIVER_FILES):
            return "no NVIDIA or AMD driver is loaded"
        return None
    if system == "Windows":
        folder = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"
        return None if (folder / "nvcuda.dll").exists() else "no NVIDIA driver is installed"
    return None


def _import(library: str) -> Any:
    """Import a framework by name: this floor asks it one question and does not build on it."""
    try:
        return import_module(library)
    except (ImportError, OSError):  # A missing shared library is an OSError.
        return None

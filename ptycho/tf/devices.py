"""On which devices a training runs, and how they share it."""

import os
from dataclasses import dataclass

import tensorflow as tf

from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.cluster import VARIABLE, describe_cluster, read_cluster
from ptycho.training.devices import require_in_process, unusable_device
from ptycho.training.launch import read_launch
from ptyconf.errors import error_text

DATA_PARALLEL = (
    "ddp",
    "ddp_find_unused_parameters_true",
    "ddp_find_unused_parameters_false",
    "dp",
    "mirrored",
)
"""Names under which every device holds the whole network and its own share of the batches."""


@dataclass(frozen=True)
class DevicePlacement:
    """Where a training runs.

    Attributes:
        strategy: Shares the training among devices; TensorFlow's default one for a single device.
        devices: The devices of this process, in TensorFlow's names.
        note: A sentence where several share the work, or None.
    """

    strategy: tf.distribute.Strategy
    devices: tuple[str, ...]
    note: str | None = None

    @property
    def replicas(self) -> int:
        """Devices that share the training, those of other workers included."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def name(self) -> str:
        """The first device, as the settings name it."""
        return short_name(self.devices[0])


def short_name(device: str) -> str:
    """Name a device as the settings do: cpu, cuda:0."""
    kind, _, number = device.removeprefix("/").rpartition(":")
    return "cpu" if kind == "CPU" else f"{kind.lower().replace('gpu', 'cuda')}:{number}"


def find_place(execution: PyTorchExecutionConfig) -> DevicePlacement:
    """Find the devices that the execution settings ask for, and let them share the work where they are many.

    Raises:
        ValueError: There are no such devices here, or TensorFlow has no such strategy.
    """
    _require_known(execution)
    launch = read_launch()
    if launch.size > 1 and not os.environ.get(VARIABLE, "").strip():
        os.environ[VARIABLE] = describe_cluster(launch)
        return _join_workers(execution, launch.size)
    if execution.strategy != "auto" and (workers := read_cluster().workers) > 1:
        return _join_workers(execution, workers)
    devices = _devices(execution)
    if len(devices) == 1:
        return DevicePlacement(tf.distribute.get_strategy(), devices)
    return DevicePlacement(
        tf.distribute.MirroredStrategy(devices=list(devices)),
        devices,
        f"{len(devices)} devices share each step, with a batch each (MirroredStrategy)",
    )


def _join_workers(execution: PyTorchExecutionConfig, workers: int) -> DevicePlacement:
    """Meet the other workers, before anything makes TensorFlow start: later it is too late."""
    if _kind(execution) == "CPU":
        hide_gpus()
    together = tf.distribute.MultiWorkerMirroredStrategy()
    note = f"{workers} workers with {together.num_replicas_in_sync} devices share each step ({VARIABLE})"
    return DevicePlacement(together, _devices(execution), note)


def device_of(execution: PyTorchExecutionConfig) -> str:
    """Name the device that a single process works on, in TensorFlow's way.

    Raises:
        ValueError: It is not there.
    """
    return _devices_of_kind(execution)[0]


def _require_known(execution: PyTorchExecutionConfig) -> None:
    known = f"auto, or for data-parallel devices {', '.join(DATA_PARALLEL)}"
    require_in_process(execution.strategy, known)
    if execution.strategy != "auto" and execution.strategy not in DATA_PARALLEL:
        raise ValueError(
            error_text(
                f"execution.strategy = '{execution.strategy}' has no counterpart in TensorFlow",
                expected=known,
                hint='execution.strategy = "auto", or training.backend = "pytorch"',
            )
        )


def _kind(execution: PyTorchExecutionConfig) -> str:
    return "CPU" if execution.accelerator == "cpu" else "GPU"


def _devices_of_kind(execution: PyTorchExecutionConfig) -> list[str]:
    kind = _kind(execution)
    if kind == "CPU":
        hide_gpus()
    devices = [f"/{kind}:{number}" for number in range(len(tf.config.list_logical_devices(kind)))]
    if not devices:
        raise unusable_device(execution, f"TensorFlow finds no {execution.accelerator} device")
    return devices


def _devices(execution: PyTorchExecutionConfig) -> tuple[str, ...]:
    if _kind(execution) == "CPU" and isinstance(execution.devices, int) and execution.devices > 1:
        _divide_cpu(execution.devices)
    present = _devices_of_kind(execution)
    wanted = len(present) if execution.devices == "auto" else execution.devices
    if wanted > len(present):
        plural = "s" * (len(present) > 1)
        raise unusable_device(
            execution, f"TensorFlow finds {len(present)} {execution.accelerator} device{plural}"
        )
    return tuple(present[:wanted])


def hide_gpus() -> None:
    """Leave the memory of GPUs alone that a training on the CPU does not use, if it is not too late."""
    if tf.config.list_physical_devices("GPU"):
        try:
            tf.config.set_visible_devices([], "GPU")
        # Too late: TensorFlow has started with its GPUs, and each computation names its device instead.
        except RuntimeError:
            return


def _divide_cpu(parts: int) -> None:
    """Make several logical devices of the CPU, if TensorFlow has not started."""
    [cpu, *_] = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(parts)]
    try:
        tf.config.set_logical_device_configuration(cpu, logical)
    except RuntimeError:
        return

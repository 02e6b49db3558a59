"""Choose the backend by its name in the settings; it is imported only then, and never replaced by another."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from ptycho.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptycho.bundle.archive import Bundle
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution

_MODULES = {"pytorch": "ptycho_torch.backend", "tensorflow": "ptycho.tf.backend"}


class _Library(NamedTuple):
    """What a backend needs installed."""

    title: str
    package: str
    oldest: str
    policy: str = ""


_LIBRARIES = {
    "pytorch": _Library("PyTorch", "torch", "2.2", " (POLICY-001)"),
    "tensorflow": _Library("TensorFlow", "tensorflow", "2.18"),
}


class Prepared(Protocol):
    """The configurations of a run, with ``params.cfg`` populated from them (CONFIG-001)."""

    @property
    def resolution(self) -> Resolution:
        """What was resolved, with what this machine made of it."""
        ...


class Training(Protocol):
    """What a training leaves, whichever backend did it."""

    @property
    def model(self) -> Any:
        """The model with the weights of the best epoch, as the backend knows it."""
        ...

    @property
    def resolution(self) -> Resolution:
        """The settings with what was measured on the scan."""
        ...

    @property
    def history(self) -> list[dict[str, float]]:
        """One row for each epoch."""
        ...

    @property
    def seconds(self) -> float:
        """Time spent in the training loop."""
        ...

    @property
    def device(self) -> str:
        """Where it ran."""
        ...

    @property
    def best_epoch(self) -> int | None:
        """Epoch of the weights (from 0), or None when none was finished."""
        ...

    @property
    def decisions(self) -> list[str]:
        """What was decided and why, one sentence each."""
        ...

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        ...


class Backend(Protocol):
    """What a backend offers to the command line."""

    def prepare_training(self, resolution: Resolution) -> Prepared:
        """Build the configurations of a training and populate ``params.cfg``."""
        ...

    def prepare_inference(self, resolution: Resolution) -> Prepared:
        """Build the configurations of a reconstruction and populate ``params.cfg``."""
        ...

    def train(self, prepared: Prepared, scan: RawData, folder: Path) -> Training:
        """Train on a scan; leave checkpoints and metrics in the folder."""
        ...

    def pack(self, model: Any, resolution: Resolution, home: Path) -> Bundle:
        """Turn a model into what the bundle in that folder will hold."""
        ...

    def begin(self, resolution: Resolution) -> None:
        """Let the framework come up as the settings ask; comes before `unpack` where there are settings."""
        ...

    def unpack(self, bundle: Bundle) -> Any:
        """Turn what a bundle holds into a model."""
        ...

    def reconstruct(self, model: Any, resolution: Resolution, scan: RawData) -> Reconstruction:
        """Reconstruct a scan with a model."""
        ...

    def infer_patches(
        self, model: Any, X: NDArray[np.float32], relative: NDArray[np.float32]
    ) -> NDArray[np.complex64]:
        """Infer the patches (B, C, N, N) of groups from X (B, C, N, N) and relative positions (B, C, 2)."""
        ...


def load_backend(name: str) -> Backend:
    """Import a backend by its name in the settings.

    Args:
        name: ``pytorch`` or ``tensorflow``.

    Returns:
        The backend's workflow module.

    Raises:
        BackendError: The framework is missing or broken.
        ValueError: There is no such backend.
    """
    if name not in _MODULES:
        raise ValueError(
            f"Invalid backend: {name!r}. TrainingConfig.backend must be 'tensorflow' or 'pytorch'."
        )
    library = _LIBRARIES[name]
    if find_spec(library.package) is None:
        raise BackendError(
            f"{library.title} backend selected, but {library.package} is not installed{library.policy}\n"
            f"  expected  {library.package} {library.oldest} or newer\n"
            f"  try       pip install '{library.package}>={library.oldest}'"
        )
    try:
        return cast("Backend", import_module(_MODULES[name]))
    except ImportError as error:
        raise BackendError(
            f"{library.title} backend selected, but it cannot be imported{library.policy}: {error}\n"
            f"  expected  a working {library.package} {library.oldest} or newer\n"
            f"  try       pip install --force-reinstall '{library.package}>={library.oldest}'"
        ) from error

"""Networks for every scan: weights that know no beam and no sample, in one file.

The probe enters such a network by the physics, so that its frame side, its probe and its scales are those of
whatever scan it looks at. A file of safetensors holds the weights under canonical names, in half precision,
and in its header how the network is built.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.network.settings import NetworkSettings
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT_VERSION = "1"
SUFFIX = ".safetensors"
LARGEST_FILE = 2**28
"""Bytes of a file that is read: sixty times what the packaged network takes."""

PACKAGED = {"universal": Path(__file__).parent / "universal.safetensors"}
"""The files that come with the package, by the names that they go by."""

SHAPE = ("architecture", "n_filters_scale", "amp_activation", "unet_stages")
"""Settings of a network that its weights fix."""

WITHOUT = "`ptycho reconstruct SCAN`, which needs no network"


class NetworkFileError(ValueError):
    """A file of weights that cannot be used; the message says what is wrong and what would do without it."""


@dataclass(frozen=True)
class NetworkForEveryScan:
    """Weights of a network, and what they fix of it.

    Attributes:
        path: The file, named in errors.
        shape: Settings that the weights fix, by the names in `SHAPE`.
        weights: Arrays by canonical name, `core/...`, float32.
    """

    path: Path
    shape: dict[str, Any]
    weights: dict[str, NDArray[np.float32]]

    def settings_for(self, N: int, probe_modes: int) -> NetworkSettings:
        """Give the settings of the network for frames of N x N pixels.

        Raises:
            ValueError: Its architecture does not take that side.
        """
        kind = NetworkSettings(**self.shape).kind
        if not kind.accepts_side(N):
            smaller = [side for side in kind.sides if side < N]
            crop = f"data.crop_px = {max(smaller)}, or " if smaller else ""
            raise ValueError(
                error_text(
                    f"the frames have {N} x {N} pixels, which the network of {self.path.name} does not take",
                    expected=f"a side of {kind.sides_text}",
                    hint=f"{crop}{WITHOUT}",
                )
            )
        return NetworkSettings(**self.shape, N=N, probe_modes=probe_modes, intensity_scale_trainable=False)


def find_network(word: str | Path) -> Path | None:
    """Tell which file of weights a word means: a path to one, else a packaged name; None for neither."""
    path = Path(word)
    if path.exists():
        return path if path.suffix == SUFFIX else None
    return PACKAGED.get(str(word))


def read_network(path: Path) -> NetworkForEveryScan:
    """Read a file of weights; no code of it is run.

    Raises:
        NetworkFileError: It is none, of another version, or describes a network that there is not.
        OSError: It cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    if path.stat().st_size > LARGEST_FILE:
        raise _refusal(path, f"has {path.stat().st_size} bytes")
    try:
        with safe_open(path, framework="np") as file:
            header = dict(file.metadata() or {})
            weights = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118  No mapping.
    except SafetensorError as error:
        raise _refusal(path, f"cannot be understood: {error}") from error
    version = header.get("version")
    if version != FORMAT_VERSION:
        raise _refusal(path, f"has version {version!r}" if version else "says no version")
    try:
        table = json.loads(header["network"])
        shape = {name: table[name] for name in SHAPE}
        NetworkSettings(**shape)
    except (KeyError, TypeError, ValueError) as error:
        raise _refusal(path, f"describes no network: {error}") from error
    wrong = [name for name, array in weights.items() if not _is_weight(name, array)]
    if wrong:
        raise _refusal(path, f"holds {wrong[0]!r}, which is no finite weight of a network")
    return NetworkForEveryScan(
        path, shape, {name: array.astype(np.float32) for name, array in weights.items()}
    )


def write_network(path: Path, shape: Mapping[str, Any], weights: Mapping[str, NDArray[Any]]) -> None:
    """Write weights in half precision, which changes them by 1/2048 at most; the file appears whole.

    Args:
        path: The file.
        shape: Settings of the network, those in `SHAPE` among them.
        weights: Arrays by canonical name.
    """
    from safetensors.numpy import save_file

    from ptycho.files.atomic import replacing

    header = {"version": FORMAT_VERSION, "network": json.dumps({name: shape[name] for name in SHAPE})}
    arrays = {name: np.ascontiguousarray(array, np.float16) for name, array in weights.items()}
    with replacing(path) as part:
        save_file(arrays, part, metadata=header)


def _is_weight(name: str, array: NDArray[Any]) -> bool:
    return name.startswith("core/") and array.dtype.kind == "f" and bool(np.isfinite(array).all())


def _refusal(path: Path, what: str) -> NetworkFileError:
    text = error_text(
        f"the weights {path} cannot be used: the file {what}",
        expected=f"a file of `make zoo`, version {FORMAT_VERSION}",
        hint=f"the name of a packaged network ({', '.join(PACKAGED)}), or {WITHOUT}",
    )
    return NetworkFileError(text)

"""Weights under backend-neutral names: what one backend exports, the other can load.

Names are paths such as `core/encoder/levels/0/conv0/kernel`. Kernels have the axes (height, width, channels
in, channels out), biases (channels out,); the probe is one complex array (P, N, N).
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from .model import PtychoNetwork
from .naming import as_kernel, as_weight, canonical_name


def _canonical(name: str, value: Tensor) -> tuple[str, np.ndarray]:
    array = value.detach().cpu()
    if name == "probe_parts":
        return "probe", torch.view_as_complex(array).numpy().copy()
    if name.startswith("core."):
        if array.ndim == 4:
            array = as_kernel(array)
        return canonical_name(name), array.contiguous().numpy().copy()
    return name, array.numpy().copy()


def export(network: PtychoNetwork) -> dict[str, np.ndarray]:
    """Return every weight, the probe and the scales under canonical names."""
    return dict(_canonical(name, value) for name, value in network.state_dict().items())


def load(network: PtychoNetwork, arrays: Mapping[str, np.ndarray]) -> None:
    """Put exported arrays into a network of the same settings.

    Raises:
        ValueError: Names or shapes differ; nothing has been changed then.
    """
    own = {_canonical(name, value)[0]: (name, value) for name, value in network.state_dict().items()}
    shapes = {name: _canonical(*pair)[1].shape for name, pair in own.items()}
    missing, surplus = sorted(own.keys() - arrays.keys()), sorted(arrays.keys() - own.keys())
    unequal = sorted(n for n in own.keys() & arrays.keys() if tuple(arrays[n].shape) != shapes[n])
    if missing or surplus or unequal:
        raise ValueError(_describe(missing, surplus, unequal))
    state = {own[name][0]: _native(own[name][1], np.asarray(array)) for name, array in arrays.items()}
    network.load_state_dict(state, strict=True)


def _native(like: Tensor, array: np.ndarray) -> Tensor:
    value = torch.from_numpy(np.array(array))
    if value.is_complex():
        value = torch.view_as_real(value)
    elif value.ndim == 4:
        value = as_weight(value)
    return value.to(like.dtype).contiguous()


def _describe(missing: list[str], surplus: list[str], unequal: list[str]) -> str:
    lines = ["these weights belong to another network"]
    for title, names in (("missing", missing), ("unknown", surplus), ("of another shape", unequal)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            lines.append(f"  found     {title}: {', '.join(names[:3])}{more}")
    lines.append(
        "  expected  the names and shapes that model.architecture, N, gridsize and n_filters_scale give"
    )
    lines.append("  try       the settings stored in the bundle beside the weights")
    return "\n".join(lines)


def count_parameters(module: nn.Module) -> int:
    """Count the numbers that training may change."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)

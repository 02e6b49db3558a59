"""The 'cnn': diffraction straight to a patch."""

from itertools import pairwise

from ptycho.network.architecture import Architecture
from ptycho.network.far_field_cnn import FILTERS, FarFieldCNN
from ptycho.network.settings import NetworkSettings
from ptycho.network.size import pair_numbers


def _least_numbers(settings: NetworkSettings) -> int:
    filters = [settings.n_filters_scale * base for base in FILTERS[settings.N]]
    return sum(pair_numbers(*channels) for channels in pairwise([settings.positions, *filters]))


ARCHITECTURE = Architecture(
    name="cnn",
    sides=tuple(FILTERS),
    sides_text=f"one of {', '.join(str(side) for side in FILTERS)}",
    uses=frozenset({"pad_object", "probe_big", "cbam_encoder", "turn_frames"}),
    blocks=FarFieldCNN,
    least_numbers=_least_numbers,
)

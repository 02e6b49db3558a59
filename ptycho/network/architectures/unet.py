"""The 'unet': a back-projected patch, refined by learned passes."""

from ptycho.network.architecture import Architecture
from ptycho.network.settings import NetworkSettings
from ptycho.network.size import pair_numbers
from ptycho.network.unrolled import LEVELS, MULTIPLE, WIDTH, UnrolledUNet

SMALLEST, LARGEST = 32, 1024


def _least_numbers(settings: NetworkSettings) -> int:
    width = settings.n_filters_scale * WIDTH
    return settings.unet_stages * sum(
        pair_numbers(width * 2 ** (level - 1), width * 2**level) for level in range(1, LEVELS + 1)
    )


ARCHITECTURE = Architecture(
    name="unet",
    sides=range(SMALLEST, LARGEST + 1, MULTIPLE),
    sides_text=f"a multiple of {MULTIPLE} from {SMALLEST} to {LARGEST}",
    merges_groups=True,
    takes_probe=True,
    uses=frozenset({"unet_stages"}),
    blocks=UnrolledUNet,
    least_numbers=_least_numbers,
    repeats=lambda settings: settings.unet_stages,
)

"""The 'unet': back-projected patches of a group, refined by learned passes."""

from ptycho.network.architecture import Architecture
from ptycho.network.unrolled import UnrolledUNet, least_numbers

SMALLEST, LARGEST, STEP = 32, 1024, 8

ARCHITECTURE = Architecture(
    name="unet",
    sides=range(SMALLEST, LARGEST + 1, STEP),
    sides_text=f"a multiple of {STEP} from {SMALLEST} to {LARGEST}",
    merges_groups=True,
    takes_probe=True,
    uses=frozenset({"unet_stages"}),
    blocks=UnrolledUNet,
    least_numbers=least_numbers(UnrolledUNet),
    repeats=lambda settings: settings.unet_stages,
)

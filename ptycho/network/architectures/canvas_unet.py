"""The 'canvas_unet': a whole scan on one canvas, refined by learned passes."""

from ptycho.network.architecture import Architecture
from ptycho.network.unrolled import CanvasUNet, least_numbers

SMALLEST, LARGEST, STEP = 32, 1024, 8

ARCHITECTURE = Architecture(
    name="canvas_unet",
    sides=range(SMALLEST, LARGEST + 1, STEP),
    sides_text=f"a multiple of {STEP} from {SMALLEST} to {LARGEST}",
    merges_groups=True,
    takes_probe=True,
    whole_scan=True,
    uses=frozenset({"unet_stages"}),
    blocks=CanvasUNet,
    least_numbers=least_numbers(CanvasUNet),
    repeats=lambda settings: settings.unet_stages,
)

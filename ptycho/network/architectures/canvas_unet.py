"""The 'canvas_unet': the 'unet' with a whole scan on one canvas."""

from dataclasses import replace

from ptycho.network.unrolled import CanvasUNet, least_numbers

from . import unet

ARCHITECTURE = replace(
    unet.ARCHITECTURE,
    name="canvas_unet",
    whole_scan=True,
    blocks=CanvasUNet,
    least_numbers=least_numbers(CanvasUNet),
)

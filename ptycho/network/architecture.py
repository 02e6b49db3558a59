"""Shapes of the two architectures: numbers that both backends build from.

Source:
    ``cnn``: the public PtychoPINN, Hoidn et al., Sci. Rep. 13, 22789 (2023).
    Block attention: Woo, Park, Lee and Kweon, ECCV 2018 (CBAM), reach and narrowing as there.
"""

from ptycho.settings.choices import AMPLITUDE_ACTIVATIONS

CNN_FILTERS = {64: (32, 64, 128), 128: (16, 32, 64, 128), 256: (8, 16, 32, 64, 128)}
"""Feature channels of the cnn's encoder levels by patch side, times n_filters_scale."""

FRAME_CHANNELS = 4
"""Feature channels of a cnn head that are kept for the outer frame of the patch."""

UNET_WIDTH = 8
"""Channels of the U-Net's first level, times n_filters_scale."""

UNET_LEVELS = 2
"""Times that the U-Net halves the sides, after the folding."""

UNET_FOLD = 2
"""Pixels along each axis that are folded into channels: the same reach at a quarter of the work."""

AMPLITUDE_SLOPE = 4.0
"""Factor on the amplitude's logits: a sigmoid's slope is then 1, and amplitude learns as fast as phase."""

STEP_LEVEL = 0.05
"""Regularisation of a correction, as a fraction of the most intense illumination of the canvas."""

ATTENTION_REACH = 7
"""Side in pixels of the window in which block attention looks around a pixel."""

ATTENTION_SQUEEZE = 16
"""Factor by which block attention narrows the channels in between."""


def attention_width(channels: int) -> int:
    """Give the channels in the middle of block attention: a sixteenth, and at least one."""
    return max(1, channels // ATTENTION_SQUEEZE)


def require_activation(name: str) -> None:
    """Accept the name of an activation that bounds the object amplitude.

    Raises:
        ValueError: The name is none of the known activations.
    """
    if name not in AMPLITUDE_ACTIVATIONS:
        raise ValueError(
            f"Unknown activation: {name}\n  expected  one of {', '.join(sorted(AMPLITUDE_ACTIVATIONS))}"
        )

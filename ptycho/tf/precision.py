"""Half precision where the settings ask for it, as policies of Keras."""

from ptycho.network.precision import Precision

POLICIES: dict[Precision, str] = {
    "32-true": "float32",
    "bf16-mixed": "mixed_bfloat16",
    "16-mixed": "mixed_float16",
}
"""Weights stay in single precision under each of them."""


def policy_of(precision: Precision) -> str:
    """Name the policy of a precision."""
    return POLICIES[precision]


def scales_loss(precision: Precision) -> bool:
    """Tell whether gradients would vanish below the smallest number, unless the loss is scaled up."""
    return precision == "16-mixed"

"""What bounds the network's answers: amplitudes by a choice of the settings, phases to one turn."""

from ptycho.settings.choices import AMPLITUDE_ACTIVATIONS
from ptyconf.errors import error_text


def require_activation(name: str) -> None:
    """Accept the name of an activation that bounds the object amplitude.

    Raises:
        ValueError: The name is none of the known activations.
    """
    if name not in AMPLITUDE_ACTIVATIONS:
        raise ValueError(
            error_text(
                f"Unknown activation: {name}", expected=f"one of {', '.join(sorted(AMPLITUDE_ACTIVATIONS))}"
            )
        )

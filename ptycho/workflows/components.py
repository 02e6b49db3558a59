"""Door: The steps of a reconstruction, by the public name; the code is in `ptycho.clients.components`."""

from ptycho.clients.components import (
    load_data,
    load_inference_bundle,
    run_cdi_example,
    save_outputs,
    setup_configuration,
    train_cdi_model,
)

__all__ = [
    "load_data",
    "load_inference_bundle",
    "run_cdi_example",
    "save_outputs",
    "setup_configuration",
    "train_cdi_model",
]

"""Door: train and reconstruct with the backend of a configuration; code: `clients.backend_selector`."""

from ptycho.clients.backend_selector import (
    Backend,
    BackendError,
    load_backend,
    load_inference_bundle_with_backend,
    run_cdi_example_with_backend,
    train_cdi_model_with_backend,
)

__all__ = [
    "Backend",
    "BackendError",
    "load_backend",
    "load_inference_bundle_with_backend",
    "run_cdi_example_with_backend",
    "train_cdi_model_with_backend",
]

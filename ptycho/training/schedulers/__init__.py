"""The schedulers of the learning rates, one module each."""

NAMES = {
    "adaptive": "Adaptive",
    "cosine": "Cosine",
    "default": "Default",
    "exponential": "Exponential",
    "multi_stage": "MultiStage",
    "reduce_on_plateau": "ReduceLROnPlateau",
    "warmup_cosine": "WarmupCosine",
}
"""How `execution.scheduler` names them."""

"""Names that a setting chooses from and that no plugin adds to; the open ones are in `registries`."""

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
AMPLITUDE_ACTIVATIONS = ("sigmoid", "swish", "softplus", "relu")
CHECKPOINT_MODES = ("min", "max")
CLIP_ALGORITHMS = ("norm", "value", "agc")
LOSS_MODES = ("poisson", "mae")
MODEL_TYPES = ("pinn", "supervised")
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")

"""In which order an epoch visits its groups."""

import numpy as np
from numpy.typing import NDArray


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Draw an order that depends on seed and epoch alone, so that a resumed training repeats it."""
    return np.random.default_rng([seed, epoch]).permutation(count)

"""The TensorFlow backend: networks, differentiable physics and losses in TensorFlow and Keras 3.

Importing this room fixes Keras to TensorFlow, so that no other framework enters the process.
"""

import os
import sys

_FOUND = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if "keras" in sys.modules:  # Whoever imported it first has chosen already.
    _FOUND = sys.modules["keras"].config.backend()
if _FOUND != "tensorflow":
    raise RuntimeError(
        f"Keras runs on {_FOUND!r} here, and the TensorFlow backend needs it on TensorFlow\n"
        "  expected  KERAS_BACKEND=tensorflow, set before Keras is imported\n"
        '  try       unset KERAS_BACKEND, or training.backend = "pytorch"'
    )
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # What goes wrong reaches Python as an error.

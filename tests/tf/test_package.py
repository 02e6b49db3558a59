"""The rooms take Keras on TensorFlow, or say that they cannot."""

import os
import subprocess
import sys

import pytest


def run(code, **environment):
    """Run code in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("other", ["jax", "torch"])
def test_keras_on_another_backend_is_an_error(other):
    """The error names the backend found and the ways out, before that framework is imported."""
    done = run(
        "import sys\n"
        "try:\n    import ptycho.tf\n"
        "finally:\n    print({'torch', 'jax', 'keras'} & {*sys.modules})",
        KERAS_BACKEND=other,
    )
    assert done.returncode == 1
    assert done.stdout.strip() == "set()"
    assert done.stderr.endswith(
        f"RuntimeError: Keras runs on '{other}' here, and the TensorFlow backend needs it on TensorFlow\n"
        "  expected  KERAS_BACKEND=tensorflow, set before Keras is imported\n"
        '  try       unset KERAS_BACKEND, or training.backend = "pytorch"\n'
    )


def test_no_other_framework_enters_the_process():
    """Networks, physics and iterations bring TensorFlow and Keras, and neither torch nor lightning."""
    done = run(
        "import sys\n"
        "from ptycho.tf import infer, iteration, model, physics, train, weights\n"
        "print(sorted({'torch', 'lightning', 'jax', 'tensorflow', 'keras'} & {*sys.modules}))"
    )
    assert done.stdout.strip() == "['keras', 'tensorflow']", done.stderr

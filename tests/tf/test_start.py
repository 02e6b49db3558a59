"""TensorFlow comes up quietly, and says everything when it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BROKEN = """
import os
os.write(2, b"a library is missing: libexample.so.7\\n")
raise ImportError("no TensorFlow on this machine")
"""
REFUSED = (
    "RuntimeError: Keras runs on '{found}' here, and the TensorFlow backend needs it on TensorFlow\n"
    "  expected  KERAS_BACKEND=tensorflow, set before Keras is imported\n"
    '  try       unset KERAS_BACKEND, or training.backend = "pytorch"\n'
)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process."""
    kept = {k: v for k, v in os.environ.items() if k not in {"KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL"}}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_start_is_quiet() -> None:
    """Nothing reaches standard error while TensorFlow loads; what is written afterwards does."""
    done = run(
        "import os, sys\n"
        "from ptycho.tf.start import start\n"
        "assert 'tensorflow' not in sys.modules\n"
        "start()\n"
        "print('tensorflow' in sys.modules, os.environ['KERAS_BACKEND'])\n"
        "start()\n"
        "print('a word', file=sys.stderr)\n"
        "os.write(2, b'another')\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True tensorflow\n"
    assert done.stderr == "a word\nanother"


def test_failed_import_says_why(tmp_path: Path) -> None:
    """What the libraries wrote before they failed is let out, in front of the error itself."""
    (tmp_path / "tensorflow.py").write_text(BROKEN)
    done = run(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nfrom ptycho.tf.start import start\nstart()"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("a library is missing: libexample.so.7\nTraceback")
    assert done.stderr.endswith("\nImportError: no TensorFlow on this machine\n")


def test_keras_on_torch_is_refused() -> None:
    """The backend's functions say what is expected before Keras or TensorFlow is imported."""
    done = run(
        "import sys\n"
        "try:\n    import ptycho.tf.backend\n"
        "finally:\n    print({'keras', 'tensorflow', 'torch'} & {*sys.modules})",
        KERAS_BACKEND="torch",
    )
    assert done.returncode == 1
    assert done.stdout == "set()\n"
    assert done.stderr.endswith(REFUSED.format(found="torch"))


@pytest.mark.slow
def test_keras_that_has_chosen_is_asked() -> None:
    """A Keras that was imported before us has chosen: what the environment says now changes nothing."""
    done = run(
        "import os\n"
        "os.environ['KERAS_BACKEND'] = 'torch'\n"
        "import keras\n"
        "os.environ['KERAS_BACKEND'] = 'tensorflow'\n"
        "import ptycho.tf"
    )
    assert done.returncode == 1
    assert done.stderr.endswith(REFUSED.format(found="torch"))

"""TensorFlow comes up once in a process: quietly, on the device and with the threads of the settings."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from tempfile import TemporaryFile

_STDERR = 2


def start() -> None:
    """Import TensorFlow without what its libraries write to standard error while they load.

    The environment variables that quieten TensorFlow take effect only after its libraries have greeted.

    Raises:
        ImportError: TensorFlow cannot be imported; what it had to say is on standard error then.
    """
    if "tensorflow" in sys.modules:
        return
    with _held_back():
        import_module("tensorflow")


@contextmanager
def _held_back() -> Iterator[None]:
    """Keep the process's standard error back; let it out when the block fails."""
    sys.stderr.flush()
    stderr_copy = os.dup(_STDERR)
    with TemporaryFile() as written:
        os.dup2(written.fileno(), _STDERR)
        try:
            yield
        except Exception:
            written.seek(0)
            with suppress(OSError):  # A terminal that was lost shows nothing any more.
                os.write(stderr_copy, written.read())
            raise
        finally:
            os.dup2(stderr_copy, _STDERR)
            os.close(stderr_copy)

"""What a run needs of the machine and does not find there."""

from __future__ import annotations


class BackendError(RuntimeError):
    """A backend, or a package behind one of its settings, cannot run here; says what to install or to set."""

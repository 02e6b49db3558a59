"""The errors of the program that several rooms raise or catch."""

from __future__ import annotations


class BackendError(RuntimeError):
    """A backend, or a package behind one of its settings, cannot run here; says what to install or to set."""


class ScanError(ValueError):
    """Scan data that cannot be used as it stands; the message says what to change."""

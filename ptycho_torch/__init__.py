"""The torch side of ptychographic reconstruction.

The torch backend is mandatory by policy (POLICY-001): where torch is not installed, this package refuses to
be imported. It looks for torch without importing it, for configurations do not need it.
"""

from importlib.util import find_spec

from ptyconf.errors import error_text

if find_spec("torch") is None:
    raise RuntimeError(
        error_text(
            "PyTorch is required (POLICY-001): ptycho_torch was imported, but torch is not installed",
            expected="torch 2.2 or newer in this environment",
            hint="pip install torch>=2.2",
        )
    )

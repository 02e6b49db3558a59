"""The doors are made of configurations alone until somebody trains."""

import subprocess
import sys

import pytest

CODE = """
import sys
import {module}
heavy = {{"torch", "lightning", "tensorflow", "keras"}}
print(sorted({{name.partition(".")[0] for name in sys.modules}} & heavy))
"""


@pytest.mark.parametrize(
    "module",
    [
        "ptycho_torch.config_params",
        "ptycho_torch.api.base_api",
        "ptycho_torch.model",
        "ptycho_torch.lightning_utils",
    ],
)
def test_doors_import_no_framework(module: str) -> None:
    """A client's parent process may import them; the child pays for torch."""
    told = subprocess.run(
        [sys.executable, "-c", CODE.format(module=module)], capture_output=True, text=True, check=True
    ).stdout
    assert told == "[]\n"


def test_older_clients_find_the_configurations_here() -> None:
    """Ptychodus 1.3.2 imports these names from here; they are the public classes."""
    from ptycho_torch import config_params
    from ptycho_torch.api import base_api

    for name in ("DataConfig", "DatagenConfig", "InferenceConfig", "ModelConfig", "TrainingConfig"):
        assert getattr(base_api, name) is getattr(config_params, name)


def test_module_class_is_there_when_asked_for() -> None:
    """The Lightning module comes by its public name; other names do not."""
    import ptycho_torch.model
    from ptycho_torch.lit.checkpoints import PtychoPINN_Lightning

    assert ptycho_torch.model.PtychoPINN_Lightning is PtychoPINN_Lightning
    with pytest.raises(AttributeError, match=r"^module 'ptycho_torch.model' has no attribute 'Other'$"):
        _ = ptycho_torch.model.Other

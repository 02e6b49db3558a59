"""How many CPU threads torch uses."""

import pytest
import torch

from ptycho_torch.nn import threads


def test_limit_ends_with_the_block() -> None:
    """The process has its threads back afterwards, also after an error."""
    before = torch.get_num_threads()
    inside = []

    def fail() -> None:
        with threads.limited(before + 1):
            inside.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside == [before + 1]
    assert torch.get_num_threads() == before

"""Which processes share a training, and which of them writes its results."""

from __future__ import annotations

import json

import pytest

from ptycho.training.cluster import Cluster, read_cluster, require_machines
from ptycho.training.launch import RANK_VARIABLES

TWO = {"worker": ["a:1", "b:1"]}
LED = {"chief": ["c:1"], "worker": ["a:1", "b:1"]}


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "expected"),
    [
        (TWO, "worker", 0, Cluster(2, first=True)),
        (TWO, "worker", 1, Cluster(2, first=False)),
        (LED, "chief", 0, Cluster(3, first=True)),
        (LED, "worker", 0, Cluster(3, first=False)),
        ({"worker": ["a:1"]}, "worker", 0, Cluster(1, first=True)),
    ],
)
def test_one_process_writes_results(
    monkeypatch: pytest.MonkeyPatch, cluster: dict[str, list[str]], kind: str, index: int, expected: Cluster
) -> None:
    """The chief does, or the first worker where there is no chief."""
    told = {"cluster": cluster, "task": {"type": kind, "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert read_cluster() == expected


@pytest.mark.parametrize("written", [None, "", " ", "{}", '{"cluster": {}}'])
def test_no_cluster_is_one_process(monkeypatch: pytest.MonkeyPatch, written: str | None) -> None:
    """Without a description the process trains alone."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if written is not None:
        monkeypatch.setenv("TF_CONFIG", written)
    assert read_cluster() == Cluster(1, first=True)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("workers", "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
        ("[1]", "AttributeError(\"'list' object has no attribute 'get'\")"),
        (json.dumps({"cluster": TWO}), "KeyError('task')"),
    ],
)
def test_what_describes_no_cluster_is_refused(
    monkeypatch: pytest.MonkeyPatch, written: str, reason: str
) -> None:
    """The message shows the variable, its form and the way out."""
    monkeypatch.setenv("TF_CONFIG", written)
    with pytest.raises(ValueError, match="TF_CONFIG") as caught:
        read_cluster()
    assert str(caught.value) == (
        f"the environment variable TF_CONFIG describes no cluster: {reason}\n"
        f"  given     {written}\n"
        '  expected  {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}\n'
        "  try       unset TF_CONFIG, for a training on this machine alone"
    )


def test_the_settings_may_say_how_many_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing said takes what there is; another number than was started is refused, with how to start it."""
    for name in RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    require_machines(None)
    require_machines(1)
    alone = "num_nodes is 2, and this training has processes on 1 machine\n"
    with pytest.raises(ValueError, match=alone) as caught:
        require_machines(2)
    assert "srun --nodes 2 ptycho train" in str(caught.value)
    for name, value in {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    require_machines(None)
    require_machines(2)
    with pytest.raises(ValueError, match="num_nodes is 4, and torchrun started processes on 2 machines\n"):
        require_machines(4)

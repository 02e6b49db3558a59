"""The contract's own command lines: their flags, their defaults, and what becomes of either."""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import pytest

from ptycho.run.resolve import resolve_run
from ptycho.settings.command_lines import FLAGS, PROGRAMS, add_flags, cli_defaults, given_flags
from ptycho.settings.layers import Command
from ptyconf import ConfigError

DEFAULTS: dict[Command, dict[str, Any]] = {
    "train": {
        "training.nepochs": 100,
        "training.n_groups": 512,
        "model.gridsize": 2,
        "training.batch_size": 16,
        "execution.accelerator": "auto",
        "execution.deterministic": True,
        "execution.num_workers": 0,
        "execution.learning_rate": 1e-3,
        "execution.logger_backend": "csv",
        "execution.enable_checkpointing": True,
    },
    "infer": {
        "inference.n_groups": 32,
        "execution.accelerator": "auto",
        "execution.num_workers": 0,
        "execution.inference_batch_size": None,
    },
}


def parser_of(command: Command) -> argparse.ArgumentParser:
    """Make the parser of one command line."""
    parser = argparse.ArgumentParser(prog=PROGRAMS[command], allow_abbrev=False)
    add_flags(parser, command)
    return parser


def resolve(command: Command, *arguments: str) -> Any:
    """Resolve a command line's arguments above its defaults."""
    flags = given_flags(parser_of(command).parse_args(arguments), command)
    return resolve_run(command, flags=flags, extra_layers=[cli_defaults(command)])


@pytest.mark.parametrize("command", ["train", "infer"])
def test_defaults_are_those_of_the_contract(command: Command) -> None:
    """Without a flag the defaults of the command line stand, in a layer of their own."""
    resolution = resolve(command)
    for path, value in DEFAULTS[command].items():
        assert resolution[path] == value
        assert resolution.winner_layer(path) == "cli-defaults"


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (["--max_epochs", "3"], "training.nepochs", 3),
        (["--n_images", "7"], "training.n_groups", 7),
        (["--n_groups", "7"], "training.n_groups", 7),
        (["--no-deterministic"], "execution.deterministic", False),
        (["--learning-rate", "1e-4"], "execution.learning_rate", 1e-4),
        (["--accumulate-grad-batches", "2"], "execution.accum_steps", 2),
        (["--logger", "none"], "execution.logger_backend", None),
        (["--disable-checkpointing"], "execution.enable_checkpointing", False),
        (["--disable-checkpointing", "--enable-checkpointing"], "execution.enable_checkpointing", True),
        (["--checkpoint-save-top-k", "0"], "execution.checkpoint_save_top_k", 0),
        (["--checkpoint-monitor", "loss"], "execution.checkpoint_monitor_metric", "loss"),
        (["--checkpoint-mode", "max"], "execution.checkpoint_mode", "max"),
        (["--early-stop-patience", "5"], "execution.early_stop_patience", 5),
        (["--torch-loss-mode", "mae"], "training.torch_loss_mode", "mae"),
        (["--quiet"], "execution.enable_progress_bar", False),
    ],
)
def test_a_given_flag_beats_the_default(arguments: list[str], path: str, value: Any) -> None:
    """A flag stands in the layer of the flags, under the spelling that was used."""
    resolution = resolve("train", *arguments)
    winner = resolution.trace(path).winner
    assert (winner.layer, winner.value) == ("flags", value)
    assert str(winner.origin) == [word for word in arguments if word.startswith("--")][-1]


def test_an_old_spelling_is_told_once() -> None:
    """--device still works, and one DeprecationWarning names what stands for it."""
    with pytest.warns(DeprecationWarning, match="--device is deprecated; use --accelerator") as told:
        resolution = resolve("train", "--device", "cpu")
    assert len(told) == 1
    assert resolution["execution.accelerator"] == "cpu"


def test_the_new_spelling_is_silent() -> None:
    """What is no old name warns of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve("infer", "--accelerator", "cpu")["execution.accelerator"] == "cpu"


def test_a_wrong_value_is_told_in_the_words_of_the_flag() -> None:
    """The error names the flag, and the default that it would have replaced."""
    with pytest.raises(ConfigError) as caught:
        resolve("train", "--max_epochs", "ten")
    assert str(caught.value).startswith(
        "'training.nepochs' is \"ten\"; expected a whole number\n"
        "  written in  flag --max_epochs\n"
        "  overrides   python -m ptycho_torch.train --max_epochs default (100)\n"
    )


@pytest.mark.parametrize("command", ["train", "infer"])
def test_help_tells_the_default_beside_its_flag(command: Command) -> None:
    """A switch shows a default only when the default is what the switch says."""
    lines = {flag.name: flag for flag in FLAGS[command]}
    text = " ".join(parser_of(command).format_help().split())
    assert "--quiet no progress bar" in text
    assert "no progress bar (default" not in text
    assert all(name in text for name in lines)
    assert "(default auto)" in text

"""The architecture says which sides it takes: in validation, in the schema and for frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.config.config import ModelConfig, validate_model_config
from ptycho.network.architecture import Architecture
from ptycho.run.resolve import resolve_run
from ptycho.settings.registries import ARCHITECTURES
from ptycho.settings.sides import KEPT_PIXELS, nearest_side
from ptyconf import ConfigError

CNN = {64, 128, 256}
UNET = set(range(32, 1025, 8))


@pytest.fixture
def odd() -> Iterator[str]:
    """Give the name of an architecture of somebody else, for 50 and 75 px alone."""
    ARCHITECTURES.add("odd", Architecture(name="odd", sides=(50, 75), sides_text="50 or 75"))
    yield "odd"
    ARCHITECTURES.remove("odd")


def complaint(architecture: str, side: object) -> str:
    """Give the first line of what is wrong with a side, "" for nothing, from both ways to ask."""
    texts = []
    for ask in (
        lambda: validate_model_config(ModelConfig(N=side, architecture=architecture)),  # type: ignore[arg-type]
        lambda: resolve_run("train", overrides={"N": side, "architecture": architecture}),
    ):
        try:
            ask()
            texts.append("")
        except ValueError as error:
            texts.append(str(error).partition("\n")[0])
    assert texts[0] == texts[1]
    return texts[0]


@given(st.sampled_from(["cnn", "unet"]), st.integers(-8, 1100) | st.sampled_from(sorted(CNN | UNET)))
def test_each_architecture_takes_its_sides(architecture: str, side: int) -> None:
    """Both ways to judge a side accept what the architecture's entry says, and refuse the rest alike."""
    legal = side in (CNN if architecture == "cnn" else UNET)
    assert complaint(architecture, side) == ("" if legal else f"Unsupported input size: {side}")


def test_the_annotation_is_a_whole_number() -> None:
    """Which numbers are legal depends on another field."""
    assert get_type_hints(ModelConfig)["N"] is int


@pytest.mark.parametrize("side", [True, 64.0, "64", None])
def test_what_is_no_whole_number_is_no_side(side: object) -> None:
    """A value that compares equal to a legal side is none."""
    with pytest.raises(ValueError, match=f"Unsupported input size: {side}"):
        validate_model_config(ModelConfig(N=side))  # type: ignore[arg-type]


def test_an_added_architecture_says_its_own(odd: str) -> None:
    """Sides of an entry that was added at run time hold for it and for no other."""
    assert complaint(odd, 75) == ""
    assert complaint("cnn", 75) == complaint("unet", 75) == "Unsupported input size: 75"
    assert nearest_side(odd, 64) == 50


def test_a_default_side_binds_nobody(odd: str) -> None:
    """An architecture that does not take the default can be chosen before the scan is looked at."""
    assert resolve_run("train", overrides={"architecture": odd})["model.N"] == 64
    with pytest.raises(ValueError, match="Unsupported input size: 64"):
        validate_model_config(ModelConfig(architecture=odd))


def test_the_error_names_what_would_help() -> None:
    """The sides of the architecture, another architecture, and the crop stand in the text."""
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", overrides={"N": 96})
    assert str(caught.value).endswith(
        "\n  overrides   DataConfig.N (64)"
        "\n  expected    one of 64, 128, 256, for model.architecture = 'cnn'"
        '\n  try         N = 128, or model.architecture = "canvas_unet" or "unet", '
        "or data.crop_px = 128 for frames of another side"
    )


@given(st.sampled_from(["cnn", "unet"]), st.integers(1, 1500))
def test_a_cut_keeps_half_of_the_pixels(architecture: str, side: int) -> None:
    """Frames are cut to the largest side that keeps half of them, else filled up, else cut to the largest."""
    legal = CNN if architecture == "cnn" else UNET
    chosen = nearest_side(architecture, side, 4 * side)
    inside = max((px for px in legal if px <= side), default=None)
    beyond = min((px for px in legal if side < px <= 4 * side), default=None)
    if inside is not None and (inside**2 >= KEPT_PIXELS * side**2 or beyond is None):
        assert chosen == inside
    else:
        assert chosen == beyond

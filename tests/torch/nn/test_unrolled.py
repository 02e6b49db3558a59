"""The learned passes see the right things: one canvas a group, the first position uninterpolated."""

import math

import pytest
import torch
from ptycho_torch.nn.unrolled import GroupCanvas, Illumination, UnrolledUNet
from torch import nn

from ptycho.network.architecture import UNET_FOLD

CORNERS = torch.tensor([(4, 3), (7, 3), (4, 8), (9, 6)], dtype=torch.float64)


def windows(picture, n=16):
    """Cut the windows of all corners [x, y], and give their relative offsets."""
    patches = torch.stack([picture[y : y + n, x : x + n] for x, y in CORNERS.int().tolist()])
    return patches[None], (CORNERS.mean(0) - CORNERS)[None]


def test_positions_meet_where_they_overlap(rng):
    """Windows of one object add up to that object times its coverage, and come back as they were."""
    picture = torch.from_numpy(rng.standard_normal((32, 32)))
    patches, relative = windows(picture)
    canvas = GroupCanvas(relative, 16, 8)
    coverage = canvas.gather(torch.ones_like(patches))
    mean = canvas.gather(patches) / coverage.clamp(min=1)
    torch.testing.assert_close(canvas.cut(mean), patches)
    assert coverage.max() == len(CORNERS)


def test_the_first_position_is_not_interpolated(rng):
    """Whatever fractions the others have, the leader's window is cut without blur."""
    canvas = GroupCanvas(torch.tensor([[[0.3, -0.7], [-2.45, 1.2], [2.15, -0.5]]]), 16, 8)
    content = torch.from_numpy(rng.standard_normal((1, canvas.side, canvas.side))).float()
    margin = (canvas.side - 16) // 2
    middle = slice(margin, margin + 16)
    torch.testing.assert_close(canvas.cut(content)[:, 0], content[:, middle, middle], rtol=0, atol=1e-6)


@pytest.mark.parametrize("reach", [0.0, 0.5, 3.0, 9.7])
def test_the_canvas_can_be_halved_and_holds_all(reach):
    """Its margin is a multiple that suits the U-Net, and no position is cut off."""
    relative = torch.tensor([[[reach / 2, 0.0], [-reach / 2, 0.0]]])
    canvas = GroupCanvas(relative, 64, 8)
    assert canvas.side % 8 == 0
    assert canvas.gather(torch.ones(1, 2, 64, 64)).sum() == pytest.approx(2 * 64**2, rel=1e-5)


def test_bad_pixels_correct_nothing(make_network):
    """What a masked pixel is said to measure has no part in the correction."""
    network = make_network(architecture="unet")
    X, good = torch.rand(1, 1, 64, 64), torch.ones(64, 64, dtype=torch.bool)
    good[32, 33] = False
    empty = torch.ones(1, 1, 64, 64, dtype=torch.complex64)
    corrections = []
    for wild in (0.0, 50.0):
        X[..., 32, 33] = wild
        corrections.append(Illumination(X, good, network.probe, None, 0.0).correction(empty))
    torch.testing.assert_close(*corrections)


class Constant(nn.Module):
    """A pass that answers with one phase everywhere and keeps what it saw."""

    def __init__(self, phase: float) -> None:
        super().__init__()
        self.logit = math.atanh(phase / math.pi)
        self.seen = torch.empty(0)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Remember the features, unfolded, and give amplitude 1/2 and the phase."""
        self.seen = nn.functional.pixel_shuffle(features, UNET_FOLD)
        answer = torch.zeros(len(features), 2 * UNET_FOLD**2, *features.shape[-2:])
        answer[:, UNET_FOLD**2 :] = self.logit
        return answer


@pytest.mark.parametrize("gridsize", [1, 2])
def test_corrections_do_not_depend_on_the_global_phase(make_network, gridsize):
    """The free phase of the first picture turns it, and not what the second pass is told to mend."""
    network = make_network(architecture="unet", gridsize=gridsize).double()
    core = network.core
    assert isinstance(core, UnrolledUNet)
    X = torch.rand(2, gridsize**2, 64, 64, dtype=torch.float64)
    relative = torch.zeros(2, gridsize**2, 2, dtype=torch.float64)
    seen = []
    for phase in (0.0, 0.8):
        second = Constant(0.0)
        core.passes = nn.ModuleList([Constant(phase), second])
        network.patches(X, relative)
        seen.append(second.seen)
    torch.testing.assert_close(seen[0][:, 2:], seen[1][:, 2:], rtol=0, atol=1e-6)
    picture = torch.complex(seen[1][:, 0], seen[1][:, 1])
    torch.testing.assert_close(picture.angle(), torch.full_like(picture.real, 0.8))

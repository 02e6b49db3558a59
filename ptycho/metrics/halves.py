"""How far two pictures of the same sample agree that were made from different frames.

Where nothing but the sample is common to them, that is the resolution of each. Where a network, or a probe to
start from, served both, they may agree about what it invented: that is said, and is no resolution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ptycho.metrics.align import align, common_area, even_coverage
from ptycho.metrics.frc import Frc, frc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptycho.reconstruction.result import Reconstruction


Networks = Literal[0, 1, 2]
_NETWORKS: Mapping[Networks, str] = {
    0: "",
    1: ", one network for both: agreement, no resolution",
    2: ", a network for each that learned from it alone",
}


@dataclass(frozen=True)
class Halves:
    """The agreement of the pictures of two halves of some frames.

    Attributes:
        curves: Ring correlation with the half-bit threshold, by the name of the picture.
        frames: Frames of both halves together.
        of: Frames of the scan.
        networks: How many networks took part: none, one that served both halves, or one for each half, which
            learned from that half alone.
    """

    curves: Mapping[str, Frc]
    frames: int
    of: int
    networks: Networks

    @property
    def what(self) -> str:
        """What was compared, in a few words."""
        which = "all frames" if self.frames == self.of else f"the {self.frames} frames around the middle"
        return f"odd and even of {which}, each by itself{_NETWORKS[self.networks]}"

    @property
    def shared_network(self) -> bool:
        """Whether one network served both halves: what they agree about may then be the network's."""
        return self.networks == 1

    def as_dict(self) -> dict[str, object]:
        """Give plain values, as JSON keeps them."""
        return {
            "what": self.what,
            "shared_network": self.shared_network,
            "networks": self.networks,
            **{
                name: {
                    "half_bit_cycles_per_px": curve.crossing,
                    "half_period_px": curve.resolution_px if curve.crossing > 0 else None,
                    "half_period_m": curve.resolution_m if curve.crossing > 0 else None,
                }
                for name, curve in self.curves.items()
            },
        }


def compare_halves(first: Reconstruction, second: Reconstruction, pixel_size_m: float | None) -> Frc:
    """Correlate two pictures ring by ring, over the area that both have scanned.

    Raises:
        ValueError: They share too little to be compared.
    """
    (x, y), (other_x, other_y) = (picture.origin_px.tolist() for picture in (first, second))
    covered = even_coverage(first.coverage, first.positions, (x, y))
    other_covered = even_coverage(second.coverage, second.positions, (other_x, other_y))
    ours, theirs, mask = common_area(
        first.object, covered, (x, y), second.object, reference_origin_px=(other_x, other_y)
    )
    *_, other_mask = common_area(
        second.object, other_covered, (other_x, other_y), first.object, reference_origin_px=(x, y)
    )
    aligned = align(ours, theirs, mask & other_mask)
    return frc(
        aligned.reconstruction,
        aligned.reference,
        mask=aligned.mask,
        against="half",
        pixel_size_m=pixel_size_m,
    )


def pictures_of(reconstruction: Reconstruction, only: str) -> dict[str, Reconstruction]:
    """Name the pictures of a reconstruction: the network's own beside a refined one, or the only one.

    Args:
        reconstruction: The pictures.
        only: Name of the one that stands alone.
    """
    if reconstruction.network_object is None:
        return {only: reconstruction}
    own = replace(reconstruction, object=reconstruction.network_object, network_object=None)
    return {"refined": reconstruction, "network alone": own}

"""The beam of a pinhole."""

from ptycho.optics.kind import Field, Numbers, ProbeKind, Sampling
from ptycho.optics.waves import hole


def draw(N: int) -> Field:
    """Propagate a hard round aperture of diameter N/2.5 a little: flat, with a few soft fringes."""
    return hole(N, 0.2 * N, 0.35 * N)


def build(sampling: Sampling, numbers: Numbers) -> Field:
    """Look some distance behind a round hole of a diameter."""
    distance = numbers.get("distance_m", 0.0)
    spread = sampling.spread_px2(distance) if distance else 0.0
    return hole(sampling.N, numbers["diameter_m"] / 2 / sampling.pixel_m, spread)


PROBE = ProbeKind(
    what="a pinhole, a little way behind it",
    draw=draw,
    build=build,
    needs=("diameter_m",),
    takes=("distance_m",),
)

"""One of three words on every picture: do the frames say what it shows?

Three numbers decide. What the picture misses of the change from frame to frame, beyond photon noise; what a
picture of most frames misses of others, which it has not seen; and how near to the noise the misfit came.
The first two are 0 where everything is explained, and 1 where the mean frame would do as well.

Calibrated on simulated scans with and without faults and on a measured one: `benchmarks/verdict.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ptycho.reconstruction.unseen_frames import unexplained_share

if TYPE_CHECKING:
    from ptycho.metrics.verdict_residuals import Residuals
    from ptycho.reconstruction.trials import Trial
    from ptycho.reconstruction.unseen_frames import UnseenFrames

Word = Literal["explained", "doubtful", "not explained"]

NOT_EXPLAINED = 0.5
"""Share that is missed from which a picture is none of these frames: wrong axes and probes missed .6 and more
of frames not seen, the right ones .3 and less, a measured scan with too few modes included."""

DOUBTFUL = 0.3
"""Share that is missed from which something is wrong, though the picture may show the object."""

NEARLY_ALL = 0.04
"""Share below which a picture is right whatever its misfit: at high doses no model reaches the noise. Right
ones of simulated scans that stayed above `NEAR_NOISE` missed .04 and less; pictures that were distorted by a
distance wrong by 20 %, or by positions that drift by 5 px, .05 and more."""

NEAR_NOISE = 2.0
"""Misfit, as a multiple of what photon noise makes, up to which a model may be called complete. Right ones
that missed more than `NEARLY_ALL` came to 1.0 to 1.8, a measured scan with one mode in place of three to 1.7;
positions that drift by 5 px to 2.3 at 1.4e4 photons a frame, and positions wrong by 1.5 px to 9."""

FAINT_CHANGE = 0.02
"""Change from frame to frame, as a share of the noise, below which frames hardly tell anything."""

SHAPES = ("units", "rotation")
"""Causes that a picture hides best, being stretched or turned itself."""

ABOVE_NOISE, WORTH_ASKING = 1.5, 0.01
"""Misfit, as a multiple of the noise, and share that is missed, above both of which an explained picture is
asked whether its positions are stretched or turned. Right ones of simulated scans came to one or the other:
1.1 to 1.4 times the noise up to 2e5 photons a frame, .001 to .007 missed above; positions stretched by 15 %
to 4 to 30 times and .01 to .05."""

SMALL_CAUSES = ("positions", "order", "mask", "background", "modes")
"""Causes that blur a picture and do not make another one of it."""

MANY_ODD = 0.1
"""Share of frames that are explained far worse than the others, from which the picture is doubtful."""


@dataclass(frozen=True)
class Verdict:
    """What the frames say about a picture.

    Attributes:
        word: "explained", "doubtful" or "not explained".
        reason: Why, in one sentence.
        residuals: What the picture leaves of its frames.
        unseen: What a picture of most frames leaves of others; None where there were too few.
        tried: What else was tried, and whether it helps.
    """

    word: Word
    reason: str
    residuals: Residuals
    unseen: UnseenFrames | None = None
    tried: tuple[Trial, ...] = ()

    @property
    def tells_anything(self) -> bool:
        """Whether frames differ by more than noise, so that a cause can be found from them."""
        residuals = self.residuals
        change = residuals.misfit_of_mean - residuals.noise
        return math.isfinite(residuals.misfit) and change > max(0.0, FAINT_CHANGE * residuals.noise)

    @property
    def asks_for_causes(self) -> bool:
        """Whether something is left unexplained that other settings may explain."""
        if self.word != "explained":
            return self.tells_anything
        residuals, unseen = self.residuals, self._unexplained_of_unseen
        missed = residuals.unexplained if math.isnan(unseen) else max(residuals.unexplained, unseen)
        near = residuals.photons is not None and residuals.misfit <= ABOVE_NOISE * residuals.noise
        return self.tells_anything and missed > WORTH_ASKING and not near

    @property
    def helps(self) -> tuple[Trial, ...]:
        """What was tried and explains the frames better, the best first."""
        return tuple(sorted((trial for trial in self.tried if trial.helps), key=lambda trial: trial.misfit))

    @property
    def advice(self) -> str:
        """What to do, in one sentence; nothing where all is well."""
        if self.word == "explained":
            return ""
        if self.helps:
            return "What helps: " + "; ".join(trial.advice for trial in self.helps) + "."
        if self.tried:
            causes = ", ".join(dict.fromkeys(trial.cause for trial in self.tried))
            return f"None of what was tried explains the frames better ({causes})."
        return ""

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"

    def as_dict(self) -> dict[str, object]:
        """Give plain values, as JSON keeps them; a number that is not one becomes None."""
        residuals = self.residuals
        numbers = {
            "misfit": residuals.misfit,
            "noise": residuals.noise if residuals.photons is not None else math.nan,
            "misfit_of_mean_frame": residuals.misfit_of_mean,
            "r_factor": residuals.r_factor,
            "photons_per_frame": math.nan if residuals.photons is None else residuals.photons,
            "unexplained": residuals.unexplained,
            "unexplained_of_unseen_frames": self._unexplained_of_unseen,
        }
        return {
            "verdict": self.word,
            "reason": self.reason,
            "advice": self.advice,
            **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
            "odd_frames": residuals.odd_frames.tolist(),
            "tried": [trial.as_dict() for trial in self.tried],
        }

    @property
    def _unexplained_of_unseen(self) -> float:
        return math.nan if self.unseen is None else self.unseen.unexplained(self.residuals.noise)


def judge(residuals: Residuals, unseen: UnseenFrames | None, tried: tuple[Trial, ...] = ()) -> Verdict:
    """Find the word for a picture.

    Args:
        residuals: What it leaves of its frames.
        unseen: What a picture of most frames, with its probe, leaves of others.
        tried: What else was tried.
    """
    word, reason = _word(residuals, unseen)
    turned = [trial for trial in tried if trial.cause == "axes" and trial.helps]
    shaped = [trial for trial in tried if trial.cause in SHAPES and trial.helps]
    if word == "doubtful" and turned:
        word, reason = "not explained", f"other axes explain the frames far better: {turned[0].what}"
    elif word == "not explained" and residuals.unexplained <= NOT_EXPLAINED and not turned:
        mended = [trial for trial in tried if _mends(trial, residuals, unseen)]
        if mended:
            word, reason = (
                "doubtful",
                (f"{mended[0].cause}: with {mended[0].what}, frames left out are explained"),
            )
    elif word == "explained" and shaped:
        word, reason = "doubtful", f"{shaped[0].what} explain frames left out far better than as they stand"
    return Verdict(word, reason, residuals, unseen, tried)


def _mends(trial: Trial, residuals: Residuals, unseen: UnseenFrames | None) -> bool:
    """Tell whether a small change that leaves the picture recognisable explains the frames left out."""
    if unseen is None or trial.cause not in SMALL_CAUSES or not trial.helps:
        return False
    return unexplained_share(trial.misfit, unseen.misfit_of_mean, residuals.noise) <= DOUBTFUL


def _word(residuals: Residuals, unseen: UnseenFrames | None) -> tuple[Word, str]:
    change = residuals.misfit_of_mean - residuals.noise
    if not math.isfinite(residuals.misfit):
        return "not explained", "the picture predicts no numbers"
    if residuals.photons is not None and change <= FAINT_CHANGE * residuals.noise:
        return "not explained", _too_faint(residuals.photons)
    if not change > 0:
        return "not explained", "all frames are the same"
    missed = residuals.unexplained
    missed_unseen = 0.0 if unseen is None else unseen.unexplained(residuals.noise)
    if missed > NOT_EXPLAINED:
        return "not explained", f"the picture misses {_share(missed)} of what distinguishes the frames"
    if missed_unseen > NOT_EXPLAINED:
        return (
            "not explained",
            f"a picture of most frames misses {_share(missed_unseen)} of what distinguishes the others",
        )
    return _explained_or_doubtful(residuals, missed, missed_unseen, checked=unseen is not None)


def _explained_or_doubtful(
    residuals: Residuals, missed: float, missed_unseen: float, *, checked: bool
) -> tuple[Word, str]:
    worse = max(missed, missed_unseen)
    odd, count = len(residuals.odd_frames), len(residuals.of_frames)
    if worse > DOUBTFUL:
        return "doubtful", f"{_share(worse)} of what distinguishes the frames is missed"
    if odd > MANY_ODD * count:
        return "doubtful", f"{odd} of {count} frames are explained far worse than the others"
    if not checked:
        return "doubtful", "too few places to leave some out, so nothing tells a fit from a picture"
    known = residuals.photons is not None
    times = residuals.misfit / residuals.noise if known and residuals.noise > 0 else math.inf
    if worse > NEARLY_ALL and times > NEAR_NOISE:
        beyond = (
            f"the misfit is {times:.1f} times what photon noise makes" if known else "photons are not known"
        )
        return "doubtful", f"{_share(worse)} of what distinguishes the frames is missed, and {beyond}"
    share = f"{_share(1 - worse, down=True)} of what distinguishes the frames is explained"
    noise = f", the misfit is {times:.1f} times what photon noise makes" if math.isfinite(times) else ""
    return "explained", share + noise


def _too_faint(photons: float) -> str:
    dose = "1 photon" if round(photons) == 1 else f"{photons:.3g} photons"
    return f"{dose} a frame: what changes from frame to frame is lost in their noise"


def _share(value: float, *, down: bool = False) -> str:
    percent = 100 * value
    if percent > 999:
        return "more than all"
    return f"{math.floor(percent) if down else math.ceil(percent)} %"

"""What a finished epoch changes: the best weights, the wait for a better one, and which files are kept."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from ptycho.run.record import best_checkpoint_name, best_checkpoints
from ptycho.settings.execution import PyTorchExecutionConfig

Weights = TypeVar("Weights")

State = dict[str, Any]
"""What a checkpoint keeps of a part of the training, JSON types."""


@dataclass(frozen=True)
class Ranking:
    """How epochs are ranked.

    Attributes:
        monitor: Metric that is compared.
        mode: "min" or "max".
    """

    monitor: str
    mode: str

    def better(self, value: float, than: float | None) -> bool:
        """Tell whether a value beats another; nothing that is not finite beats anything."""
        if not math.isfinite(value):
            return False
        return than is None or (value < than if self.mode == "min" else value > than)

    def order(self, scores: Mapping[str, float]) -> list[str]:
        """List names from the best score to the worst."""
        # sorted() keeps equals in their order: the earlier epoch stays the better one in both modes.
        sign = 1 if self.mode == "min" else -1
        return sorted(scores, key=lambda name: sign * scores[name])


@dataclass
class BestWeights(Generic[Weights]):
    """Keep the weights of the best epoch in memory.

    Attributes:
        ranking: What is best.
        score: Its metric, or None.
        epoch: When it was, counted from 0.
        weights: As the backend holds them, or None.
    """

    ranking: Ranking
    score: float | None = None
    epoch: int | None = None
    weights: Weights | None = None

    def observe(self, epoch: int, score: float, copy: Callable[[], Weights]) -> None:
        """Take a copy of the weights if no epoch before was better; the first of equals stays."""
        if self.ranking.better(score, self.score):
            self.score, self.epoch, self.weights = score, epoch, copy()

    def state(self) -> State:
        """Give what a resumed training needs to know beside the weights."""
        return {"score": self.score, "epoch": self.epoch}

    def restore(self, state: State, weights: Weights) -> None:
        """Take up the best epoch of the training that is resumed."""
        self.score, self.epoch, self.weights = state["score"], state["epoch"], weights

    def note(self) -> str | None:
        """Say in a sentence whose weights are kept; None where no epoch was finished."""
        if self.epoch is None or self.score is None:
            return None
        return f"the weights are those of epoch {self.epoch + 1} ({self.ranking.monitor} {self.score:.6g})"


@dataclass
class EarlyStop:
    """End the training once `patience` epochs in a row brought nothing better.

    Attributes:
        ranking: What is better.
        patience: Epochs to wait.
        best: The best value so far.
        waited: Epochs since then.
    """

    ranking: Ranking
    patience: int
    best: float | None = None
    waited: int = 0

    @classmethod
    def of(cls, execution: PyTorchExecutionConfig, ranking: Ranking) -> Self:
        """Make the rule that the execution settings describe, the same for both backends."""
        return cls(ranking, execution.early_stop_patience)

    def observe(self, score: float) -> None:
        """Count the epoch."""
        if self.ranking.better(score, self.best):
            self.best, self.waited = score, 0
        else:
            self.waited += 1

    @property
    def reached(self) -> bool:
        """Whether the training should end."""
        return self.waited >= self.patience

    def reason(self) -> str:
        """Say what was waited for in vain."""
        waited = f"for {self.waited} epochs (execution.early_stop_patience)"
        if self.best is None:
            return f"{self.ranking.monitor} was no number {waited}"
        side = "below" if self.ranking.mode == "min" else "above"
        return f"{self.ranking.monitor} did not get {side} {self.best:.6g} {waited}"

    def state(self) -> State:
        """Give what a resumed training needs to know."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: State) -> None:
        """Go on waiting where another training stood."""
        self.best, self.waited = state["best"], int(state["waited"])


@dataclass
class BestFiles:
    """Keep the k best epochs as files.

    Attributes:
        folder: Where they lie.
        ranking: What is best.
        top_k: How many to keep.
        scores: Metric of each file, by its name.
    """

    folder: Path
    ranking: Ranking
    top_k: int
    scores: dict[str, float] = field(default_factory=dict)

    def admit(self, epoch: int, score: float) -> Path | None:
        """Rank an epoch; one that is among the best gets a file, which is the caller's to write.

        Returns:
            Where it belongs, or None.
        """
        comparable = self._comparable(score)
        if self.top_k == 0:
            return None
        if len(self.scores) >= self.top_k:
            # Room is made before the new file is written: a disk that holds k checkpoints is enough.
            worst = self.ranking.order(self.scores)[-1]
            if not self.ranking.better(comparable, self.scores[worst]):
                return None
            del self.scores[worst]
        name = best_checkpoint_name(epoch)
        self.scores[name] = comparable
        return self.folder / name

    def remove_others(self) -> None:
        """Remove the files of epochs that are no longer among the best, once all others are written."""
        for path in best_checkpoints(self.folder):
            if path.name not in self.scores:
                path.unlink()

    @property
    def best(self) -> Path | None:
        """The file of the best epoch."""
        return self.folder / self.ranking.order(self.scores)[0] if self.scores else None

    def _comparable(self, score: float) -> float:
        """Rank what is not finite last; a NaN compares with nothing, and would break the order."""
        worst = math.inf if self.ranking.mode == "min" else -math.inf
        return score if math.isfinite(score) else worst

    def state(self) -> State:
        """Give what a resumed training needs to know."""
        return {"kept": dict(self.scores)}

    def restore(self, state: State) -> None:
        """Take up the ranking of the resumed training, as far as its files lie in this folder."""
        self.scores = files_here(self.folder, state["kept"])


def files_here(folder: Path, scores: Mapping[str, float]) -> dict[str, float]:
    """Keep the scores of those files that lie in a folder; a run folder may have been moved or thinned out.

    Args:
        folder: Where checkpoints lie now.
        scores: Metrics by the names that the files had; a name with a folder is none that was written here.
    """
    return {
        name: float(score)
        for name, score in scores.items()
        if Path(name).name == name and (folder / name).is_file()
    }

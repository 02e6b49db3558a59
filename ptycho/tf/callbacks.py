"""What happens beside the optimisation, after each epoch: best weights, best files, an early end."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


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


@dataclass
class BestWeights:
    """Keep the weights of the best epoch in memory.

    Attributes:
        ranking: What is best.
        score: Its metric, or None.
        epoch: When it was, counted from 0.
        weights: Under canonical names.
    """

    ranking: Ranking
    score: float | None = None
    epoch: int | None = None
    weights: Arrays = field(default_factory=dict)

    def look(self, row: dict[str, float], weights: Arrays) -> None:
        """Take the weights if no epoch before was better."""
        value = row[self.ranking.monitor]
        if self.ranking.better(value, self.score):
            self.score, self.epoch, self.weights = value, int(row["epoch"]), weights

    def state(self) -> dict[str, Any]:
        """Give what a resumed training needs to know beside the weights."""
        return {"score": self.score, "epoch": self.epoch}

    def restore(self, held: dict[str, Any], weights: Arrays) -> None:
        """Take up the best epoch of the training that is resumed."""
        self.score, self.epoch, self.weights = held["score"], held["epoch"], weights


@dataclass
class EarlyEnd:
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

    def look(self, row: dict[str, float]) -> None:
        """Count the epoch."""
        value = row[self.ranking.monitor]
        if self.ranking.better(value, self.best):
            self.best, self.waited = value, 0
        else:
            self.waited += 1

    @property
    def reached(self) -> bool:
        """Whether the training should end."""
        return self.waited >= self.patience

    def state(self) -> dict[str, Any]:
        """Give what a resumed training needs to know."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, held: dict[str, Any]) -> None:
        """Go on waiting where another training stood."""
        self.best, self.waited = held["best"], int(held["waited"])


@dataclass
class BestFiles:
    """Keep the k best epochs as files.

    Attributes:
        folder: Where they lie.
        ranking: What is best.
        top_k: How many to keep.
        kept: Metric of each file, by its name.
    """

    folder: Path
    ranking: Ranking
    top_k: int
    kept: dict[str, float] = field(default_factory=dict)

    def admit(self, row: dict[str, float]) -> Path | None:
        """Make room for an epoch that is among the best; the file is the caller's to write.

        Returns:
            Where it belongs, or None.
        """
        value = self._comparable(row[self.ranking.monitor])
        if self.top_k == 0:
            return None
        if len(self.kept) >= self.top_k:
            worst = self._ordered()[-1]
            if not self.ranking.better(value, self.kept[worst]):
                return None
            (self.folder / worst).unlink(missing_ok=True)
            del self.kept[worst]
        name = f"best-epoch{int(row['epoch']):03d}.ckpt"
        self.kept[name] = value
        return self.folder / name

    @property
    def best(self) -> Path | None:
        """The file of the best epoch."""
        return self.folder / self._ordered()[0] if self.kept else None

    def _ordered(self) -> list[str]:
        sign = 1 if self.ranking.mode == "min" else -1
        return sorted(self.kept, key=lambda name: sign * self.kept[name])

    def _comparable(self, value: float) -> float:
        """Rank what is not finite last."""
        worst = math.inf if self.ranking.mode == "min" else -math.inf
        return value if math.isfinite(value) else worst

    def state(self) -> dict[str, Any]:
        """Give what a resumed training needs to know."""
        return {"kept": dict(self.kept)}

    def restore(self, held: dict[str, Any]) -> None:
        """Take up the ranking of the resumed training, as far as its files lie in this folder."""
        self.kept = {
            name: float(value)
            for name, value in held["kept"].items()
            if Path(name).name == name and (self.folder / name).is_file()
        }

"""How the score rose: a record an evaluation, as JSON lines and as a picture."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from ble_train.files import append_json_line, cut_json_lines, write_bytes_atomically


@dataclass(frozen=True)
class CurvePoint:
    """An evaluation during training.

    Attributes:
        iteration: after which it was.
        env_steps: flown in training until then.
        seconds: of wall time until then, evaluations included.
        twr50: mean over the validation episodes.
        twr50_error: its standard error.
        reward: mean of the sums over an episode.
        num_episodes: how many were flown.
    """

    iteration: int
    env_steps: int
    seconds: float
    twr50: float
    twr50_error: float
    reward: float
    num_episodes: int


class LearningCurve:
    """The evaluations of a run, in learning_curve.jsonl and learning_curve.png in its folder.

    Args:
        folder: of the run.
        title: of the picture.
        first_iteration: evaluations from this iteration on are forgotten: they are repeated.

    Raises:
        ValueError: the file is damaged; the message names the line.
    """

    def __init__(self, folder: Path, title: str, first_iteration: int) -> None:
        self._lines = folder / "learning_curve.jsonl"
        self._picture = folder / "learning_curve.png"
        self._title = title
        lines = cut_json_lines(self._lines, keep=lambda line: CurvePoint(**line).iteration < first_iteration)
        self.points = [CurvePoint(**line) for line in lines]

    def add(self, point: CurvePoint) -> bool:
        """Keep an evaluation; returns whether it is the best so far."""
        is_best = all(point.twr50 > other.twr50 for other in self.points)
        self.points.append(point)
        append_json_line(self._lines, dataclasses.asdict(point))
        write_bytes_atomically(self._picture, _drawn(self.points, self._title))
        return is_best


def _drawn(points: list[CurvePoint], title: str) -> bytes:
    """The curve over environment steps, with wall time above, as a PNG."""
    import io

    from matplotlib.figure import Figure

    steps = [point.env_steps / 1e6 for point in points]
    hours = [point.seconds / 3600 for point in points]
    scores = [100 * point.twr50 for point in points]
    errors = [100 * point.twr50_error for point in points]
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.errorbar(steps, scores, errors, marker=".", capsize=2)
    axes.set(title=title, xlabel="environment steps [millions]", ylabel="TWR50 on validation episodes [%]")
    axes.grid(alpha=0.3)
    if len(points) > 1 and hours[-1] > 0.0:
        by_time = axes.twiny()
        by_time.set_xlim(*(limit * hours[-1] / steps[-1] for limit in axes.get_xlim()))
        by_time.set_xlabel("wall time [hours], at the mean speed")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    return picture.getvalue()

"""The validation scores of a run, as JSON lines and as a picture."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from ble_eval.trained import LEARNING_CURVE
from ble_sim.files.atomic import write_bytes
from ble_sim.files.json_lines import append_json_line, cut_json_lines


@dataclass(frozen=True)
class CurvePoint:
    """One validation.

    Attributes:
        iteration: number of the iteration before it.
        env_steps: steps of training until then.
        seconds: wall time until then, earlier validations included.
        twr50: mean over the validation episodes.
        twr50_error: its standard error.
        reward: mean of the sums over an episode.
        num_episodes: number of episodes.
    """

    iteration: int
    env_steps: int
    seconds: float
    twr50: float
    twr50_error: float
    reward: float
    num_episodes: int


class LearningCurve:
    """The validations of a run, in learning_curve.jsonl and learning_curve.png in its folder.

    Args:
        folder: the run's folder.
        title: of the picture.
        first_iteration: points from this iteration on are removed; the run repeats them.

    Raises:
        JsonLinesError: the file is damaged; the message names the line.
    """

    def __init__(self, folder: Path, title: str, first_iteration: int) -> None:
        self._lines = folder / LEARNING_CURVE
        self._picture = folder / "learning_curve.png"
        self._title = title
        lines = cut_json_lines(self._lines, keep=lambda line: CurvePoint(**line).iteration < first_iteration)
        self.points = [CurvePoint(**line) for line in lines]

    def is_best(self, point: CurvePoint) -> bool:
        """Whether a point is better than all before it."""
        return all(point.twr50 > other.twr50 for other in self.points)

    def add(self, point: CurvePoint) -> bool:
        """Keep a point; returns whether it is the best so far.

        Raises:
            OSError: the files cannot be written. The points before are kept.
        """
        is_best = self.is_best(point)
        append_json_line(self._lines, dataclasses.asdict(point))
        self.points.append(point)
        write_bytes(self._picture, _drawn(self.points, self._title))
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

"""The table at the end of an evaluation."""

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from ble_eval.report.tables import estimate_text
from ble_eval.statistics import CONFIDENCE_LEVEL, Averages, Summary


def make_summary_table(title: str, information: str, summary: Summary) -> Table:
    """Means with intervals over all episodes and over those that did not fail, and the number of failures.

    Args:
        title: of the table.
        information: track of the agent.
        summary: of its evaluation.
    """
    table = _table(title, "flights", "episodes")
    rows = {"all": summary.overall} | ({"not failed": summary.unfailed} if any(summary.failures.values()) else {})
    for name, averages in rows.items():
        table.add_row(name, str(averages.episodes), *_figures(averages))
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in summary.failures.items())
    table.caption = f"failures: {counts}\ninformation: {information}"
    return table


def make_sweep_table(title: str, cells: Mapping[str, tuple[str, Summary]]) -> Table:
    """A row for each cell: the information track of its agent, the number of failures, and means with intervals.

    Args:
        title: of the table.
        cells: track and summary by the name of the cell's file.
    """
    table = _table(title, "name", "information", "failed")
    for name, (information, summary) in cells.items():
        table.add_row(escape(name), information, str(sum(summary.failures.values())), *_figures(summary.overall))
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column(first, overflow="fold")
    for other in others:
        table.add_column(other, justify="left" if other == "information" else "right")
    table.add_column(f"TWR50 [{CONFIDENCE_LEVEL:.0%} interval]".replace("[", r"\["), justify="right")
    table.add_column(f"reward [{CONFIDENCE_LEVEL:.0%} interval]".replace("[", r"\["), justify="right")
    return table


def _figures(averages: Averages) -> tuple[str, str]:
    return escape(estimate_text(averages.twr50, 3)), escape(estimate_text(averages.reward, 1))

"""The table at the end of an evaluation."""

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from ble_eval.report.tables import estimate_text
from ble_eval.statistics import CONFIDENCE_LEVEL, Averages, Summary


def make_summary_table(title: str, summary: Summary) -> Table:
    """Means with intervals over all episodes and over those that did not fail, and the number of failures."""
    table = _table(title, "flights", "episodes")
    rows = {"all": summary.overall} | ({"not failed": summary.unfailed} if any(summary.failures.values()) else {})
    for name, averages in rows.items():
        table.add_row(name, str(averages.episodes), *_figures(averages))
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in summary.failures.items())
    table.caption = f"failures: {counts}"
    return table


def make_sweep_table(title: str, summaries: Mapping[str, Summary]) -> Table:
    """A row for each cell, by the name of its file: the number of failures, and means with intervals."""
    table = _table(title, "name", "failed")
    for name, summary in summaries.items():
        table.add_row(escape(name), str(sum(summary.failures.values())), *_figures(summary.overall))
    return table


def _table(title: str, first: str, second: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column(first, overflow="fold")
    table.add_column(second, justify="right")
    table.add_column(f"TWR50 [{CONFIDENCE_LEVEL:.0%} interval]".replace("[", r"\["), justify="right")
    table.add_column(f"reward [{CONFIDENCE_LEVEL:.0%} interval]".replace("[", r"\["), justify="right")
    return table


def _figures(averages: Averages) -> tuple[str, str]:
    return escape(estimate_text(averages.twr50, 3)), escape(estimate_text(averages.reward, 1))

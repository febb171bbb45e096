"""The table at the end of an evaluation."""

from rich.table import Table

from ble_eval.statistics import CONFIDENCE_LEVEL, Averages, Estimate, Summary


def make_summary_table(title: str, summary: Summary) -> Table:
    """Means with intervals over all episodes and over those that did not fail, and the number of failures."""
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("flights")
    table.add_column("episodes", justify="right")
    table.add_column(f"TWR50 [{CONFIDENCE_LEVEL:.0%} interval]".replace("[", r"\["), justify="right")
    table.add_column(f"reward [{CONFIDENCE_LEVEL:.0%} interval]".replace("[", r"\["), justify="right")
    table.add_row("all", *_cells(summary.overall))
    if any(summary.failures.values()):
        table.add_row("not failed", *_cells(summary.unfailed))
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in summary.failures.items())
    table.caption = f"failures: {counts}"
    return table


def _cells(averages: Averages) -> tuple[str, str, str]:
    return str(averages.episodes), estimate_cell(averages.twr50, 3), estimate_cell(averages.reward, 1)


def estimate_cell(estimate: Estimate | None, decimals: int) -> str:
    """A mean with its interval as a cell of a rich table."""
    if estimate is None:
        return "-"
    if estimate.interval is None:
        return f"{estimate.mean:.{decimals}f}"
    low, high = estimate.interval
    return rf"{estimate.mean:.{decimals}f} \[{low:.{decimals}f}, {high:.{decimals}f}]"

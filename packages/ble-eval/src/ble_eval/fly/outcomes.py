"""The outcome of flights as a table."""

from collections.abc import Sequence

from rich.table import Table

from ble_env.rendering.track import Track
from ble_eval.results.records import EvaluationResult

FAILURES = {"out_of_power": "out of power", "envelope_burst": "burst", "zeropressure": "no superpressure"}


def outcome_table(title: str, tracks: Sequence[Track], results: Sequence[EvaluationResult | None]) -> Table:
    """A row for each flight.

    Args:
        title: of the table.
        tracks: of the flights.
        results: of those that have ended; None for one that was stopped.
    """
    radius = f"{tracks[0].station_keeping_radius_km:g}"
    table = Table(title=title, title_justify="left")
    table.add_column("agent", overflow="fold")
    for heading in (f"TWR{radius}", "reward", "hours", "mean km", "battery"):
        table.add_column(heading, justify="right")
    table.add_column("end")
    for track, result in zip(tracks, results, strict=True):
        if track.num_steps < 1:
            table.add_row(track.name, *["-"] * 5, "not flown")
            continue
        points = track.points()
        table.add_row(
            track.name,
            f"{points.twr[-1]:.3f}",
            f"{points.reward[1:].sum():.1f}",
            f"{points.hours[-1]:.1f}",
            f"{points.distance[1:].mean():.1f}",
            f"{points.battery[-1]:.0f}%",
            _end(result),
        )
    return table


def _end(result: EvaluationResult | None) -> str:
    if result is None:
        return "stopped"
    return next((words for name, words in FAILURES.items() if getattr(result, name)), "time is over")

"""The outcome of flights as a table."""

from collections.abc import Sequence

from rich.table import Table

from ble_env.rendering.track import Track
from ble_eval.results.records import EvaluationResult
from ble_sim.plugins import InformationTrack

FAILURES = {"out_of_power": "out of power", "envelope_burst": "burst", "zeropressure": "no superpressure"}


def outcome_table(
    title: str, tracks: Sequence[Track], information: Sequence[str], results: Sequence[EvaluationResult | None]
) -> Table:
    """A row for each flight.

    Args:
        title: of the table.
        tracks: of the flights.
        information: the information track of each agent, shown beside its name if it is not the observation.
        results: of those that have ended; None for one that was stopped.
    """
    radius = f"{tracks[0].station_keeping_radius_km:g}"
    table = Table(title=title, title_justify="left")
    table.add_column("agent", overflow="fold")
    for heading in (f"TWR{radius}", "reward", "hours", "mean km", "battery"):
        table.add_column(heading, justify="right")
    table.add_column("end")
    for track, used, result in zip(tracks, information, results, strict=True):
        name = track.name if used == InformationTrack.OBSERVATION else f"{track.name} ({used})"
        if track.num_steps < 1:
            table.add_row(name, *["-"] * 5, "not flown")
            continue
        points = track.points()
        table.add_row(
            name,
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

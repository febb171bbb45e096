"""Results with made-up flights, reports of them, and a browser that opens them."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from ble_eval.report.html.page import make_page
from ble_eval.report.html.page_data import make_page_data
from ble_eval.results.flight_path import FlightPath
from ble_eval.results.limits import SeedLimits
from ble_eval.results.records import EvaluationResult
from ble_eval.results.sets import ResultSet
from ble_eval.statistics import compare_sets

NEW_COLUMNS = ("reward", "lowest_pressure", "highest_pressure", "effective_action")
"""Columns that files of the original lack."""


def make_flight(seed: int, steps: int = 120, *, without: tuple[str, ...] = ()) -> FlightPath:
    """A flight that drifts about, with smooth winds and a battery that goes up and down."""
    rng = np.random.default_rng(seed)
    wind = np.cumsum(rng.normal(0, 0.4, (2, steps)), axis=1) + rng.normal(0, 3, (2, 1))
    x, y = np.cumsum(0.18 * wind, axis=1) + rng.uniform(-60, 60, (2, 1))
    hours = np.arange(1, steps + 1) / 20
    columns = {
        "x": x,
        "y": y,
        "pressure": 9_000 + 1_500 * np.sin(hours / 3 + seed),
        "superpressure": 400 + 200 * np.sin(hours),
        "elapsed_seconds": 180.0 * np.arange(1, steps + 1),
        "power": 0.6 + 0.35 * np.cos(hours / 4),
        "reward": np.where(np.hypot(x, y) <= 50, 1.0, 0.4 * 2 ** (-(np.hypot(x, y) - 50) / 100)),
        "lowest_pressure": np.full(steps, 6_200.0),
        "highest_pressure": np.full(steps, 12_300.0),
        "effective_action": rng.integers(0, 3, steps).astype(float),
    }
    return FlightPath(**{name: column for name, column in columns.items() if name not in without})


def make_result(seed: int, path: FlightPath, **changes) -> EvaluationResult:
    values = {
        "seed": seed,
        "cumulative_reward": float(path.reward.sum()) if path.reward is not None else 300.0 + seed % 7,
        "time_within_radius": float((np.hypot(path.x, path.y) <= 50).mean()) if len(path) else 0.1 * (seed % 7),
        "out_of_power": False,
        "envelope_burst": False,
        "zeropressure": False,
        "final_timestep": max(len(path), 1),
        "flight_path": path,
    }
    return EvaluationResult(**(values | changes))


def make_sets(agents: Mapping[str, list[EvaluationResult]]) -> list[ResultSet]:
    return [
        ResultSet(label, Path("results") / f"{number}.json", flown, None)
        for number, (label, flown) in enumerate(agents.items())
    ]


def write_report(
    path: Path,
    agents: Mapping[str, list[EvaluationResult]],
    *,
    title="a suite",
    notes=(),
    max_flights=10_000,
    limits: Mapping[int, float] | None = None,
):
    """Write the report of agents' results and return its address."""
    sets = make_sets(agents)
    of_seeds = None if limits is None else SeedLimits(limits, tuple(agents), "a file")
    comparison = compare_sets(sets, resamples=100, limits=of_seeds)
    data = make_page_data(sets, comparison, title=title, notes=notes, max_flights=max_flights)
    path.write_text(make_page(data), encoding="utf-8")
    return path.as_uri()


def browser_programs() -> tuple[str, str] | None:
    """Chromium or Chrome, and its driver; None where one is missing."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


def start_browser() -> webdriver.Chrome:
    """A browser without a window, which keeps what the pages write to its console."""
    programs = browser_programs()
    assert programs is not None
    options = webdriver.ChromeOptions()
    options.binary_location, driver = programs
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    browser.set_script_timeout(60)
    return browser

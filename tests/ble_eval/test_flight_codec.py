import base64
import zlib

import numpy as np
import pytest
from report_fakes import NEW_COLUMNS, make_flight

from ble_eval.report.html.flight_codec import COLUMNS, pack_flight, unpack_flight
from ble_eval.results.flight_path import FlightPath


def test_every_column_returns_within_half_a_unit():
    flight = make_flight(3, 960)
    unpacked = unpack_flight(pack_flight(flight))
    assert list(unpacked) == list(COLUMNS)
    for name, unit in COLUMNS.items():
        np.testing.assert_allclose(unpacked[name], getattr(flight, name), rtol=0, atol=unit / 2 + 1e-9, err_msg=name)


def test_a_flight_takes_a_few_kilobytes():
    assert len(pack_flight(make_flight(3, 960))) < 15_000


def test_columns_that_are_not_there_are_left_out():
    unpacked = unpack_flight(pack_flight(make_flight(3, without=NEW_COLUMNS)))
    assert list(unpacked) == [name for name in COLUMNS if name not in NEW_COLUMNS]


def test_the_columns_are_those_of_a_flight_path():
    assert make_flight(0).columns().keys() == COLUMNS.keys()


def flight_with(**columns: np.ndarray) -> FlightPath:
    length = len(next(iter(columns.values())))
    return FlightPath(**({name: np.zeros(length) for name in COLUMNS} | columns))


@pytest.mark.parametrize(
    "x",
    [
        np.array([0.0, 20_000.0, -20_000.0, 5.0]),  # Faster than int16 of the unit holds.
        np.array([1e9, 1e9 + 0.25, 1e9 + 0.5]),  # Small changes far away.
        np.linspace(0, 1e-4, 30),  # Far below the unit.
        np.array([4.25]),
        np.full(5, -7.0),
    ],
)
def test_units_follow_the_size_of_the_changes(x):
    found = unpack_flight(pack_flight(flight_with(x=x)))["x"]
    unit = max(min(0.005, np.ptp(x) / 1000 or 1), np.abs(np.diff(x)).max(initial=0) / 32_000)
    np.testing.assert_allclose(found, x, rtol=1e-15, atol=unit / 2)


def test_values_that_are_not_finite_are_missing_and_the_others_are_right():
    lowest = np.array([np.inf, 6_000.0, np.nan, 6_500.0, -np.inf])
    found = unpack_flight(pack_flight(flight_with(lowest_pressure=lowest)))["lowest_pressure"]
    np.testing.assert_allclose(found, [np.nan, 6_000, np.nan, 6_500, np.nan], atol=0.5)
    nothing = unpack_flight(pack_flight(flight_with(lowest_pressure=np.full(3, np.inf))))["lowest_pressure"]
    assert np.isnan(nothing).all()


def test_errors_do_not_grow_along_a_flight():
    x = np.cumsum(np.full(960, 0.0033))  # A fraction of the unit each step.
    found = unpack_flight(pack_flight(flight_with(x=x)))["x"]
    assert np.abs(found - x).max() < 0.0026


def test_the_bytes_are_as_documented():
    packed = zlib.decompress(base64.b64decode(pack_flight(flight_with(x=np.array([1.0, 1.01])))))
    assert len(packed) == 4 + 16 * len(COLUMNS) + 2 * 2 * len(COLUMNS)
    assert int.from_bytes(packed[:4], "little") == 2

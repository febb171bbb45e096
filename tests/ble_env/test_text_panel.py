"""The text of flights, and the renderer that returns it. Flights are made up, so that nothing is compiled."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from flight_infos import column, flight, track_of

from ble_env import TextOptions
from ble_env.rendering import FlightRecorder, Track, styled_text_panel, text_panel
from ble_env.rendering.text_renderer import TextRenderer

PAIR = [track_of(flight(30, east=-60e3), "tradewind"), track_of(flight(20, east=10e3), "station_seeker")]


def panel(infos, *size, **options) -> str:
    return "\n".join(text_panel([track_of(infos, "tradewind")], *size, **options))


@pytest.mark.parametrize("size", [(78, 22), (80, 24), (40, 5), (60, 9), (200, 50), (41, 30)])
@pytest.mark.parametrize("tracks", [PAIR[:1], PAIR, PAIR * 5, [Track("new")], [PAIR[0], Track("new")]])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_panels_have_their_size(size, tracks, ascii_only):
    width, height = size
    lines = text_panel(tracks, width, height, ascii_only=ascii_only)
    assert [len(line) for line in lines] == [width] * height
    assert not ascii_only or "".join(lines).isascii()
    styled = styled_text_panel(tracks, width, height, ascii_only=ascii_only)
    assert ["".join(span.text for span in line) for line in styled] == lines
    styles = {span.style for line in styled for span in line}
    assert all(style in ("", "dim", "strong", "warning") or style.startswith("flight") for style in styles)


def test_a_panel_has_the_numbers():
    text = panel(flight(4, east=33e3, north=33e3))  # Inside after two of four steps.
    for words in (
        "0.2 h  2013-05-03 09:39 UTC  day",
        "distance  52.3 km, outside",
        "altitude  16.08 km",
        "battery   89 %",
        "wind      7.1 m/s, 7.1 away",
        "action    up",
        "safety    no layer acts",
        "reward    0.80, mean 0.800",
        "TWR50     50.0 %",
        "200 km wide",
    ):
        assert words in text, words
    assert text.startswith("tradewind ")


def test_a_panel_says_what_the_safety_layers_made_of_the_action():
    overruled = {"action": 0, "effective_action": 1, "paused_power": True}
    text = panel([*flight(1), flight(2)[-1] | overruled])
    assert "action    down, overruled: stay" in text and "safety    power layer" in text
    both = panel([*flight(1), flight(2)[-1] | overruled | {"paused_altitude": True}])
    assert "safety    power, altitude layers" in both
    warned = styled_text_panel([track_of([*flight(1), flight(2)[-1] | overruled])])
    texts = [span.text.strip() for line in warned for span in line if span.style == "warning"]
    assert "down, overruled: stay" in texts and "power layer" in texts


@pytest.mark.parametrize(("status", "words"), [(1, "out of power"), (2, "burst"), (3, "no superpressure")])
def test_a_panel_says_how_a_flight_has_failed(status, words):
    infos = [*flight(1), flight(2)[-1] | {"status": status}]
    assert f"ended     {words}" in panel(infos)
    assert words[:15] in "\n".join(text_panel([track_of(infos, "a"), track_of(flight(3), "b")]))


def test_at_the_start_there_is_no_action_and_no_reward():
    text = panel(flight(0))
    assert "action    -" in text and "reward    -" in text and "TWR50     -" in text
    assert "before the start" in "\n".join(text_panel([Track("new")]))


def test_the_map_has_the_station_the_circle_and_the_balloon():
    """In characters twice as high as wide: 40 columns and 21 rows for 200 km."""
    start = flight(0)[0] | {"x": 40e3, "y": -60e3}
    lines = text_panel([track_of([start])], 78, 22, ascii_only=True)
    rows, columns = zip(*[(row, line.index("@")) for row, line in enumerate(lines) if "@" in line], strict=True)
    assert (
        len(rows) == 1 and columns[0] == pytest.approx(20 + 40 / 5, abs=1) and rows[0] == pytest.approx(11 + 6, abs=1)
    )
    station = [(row, line.index("+")) for row, line in enumerate(lines) if "+" in line]
    assert station == [(11, 20)]
    circle = [(row, column) for row, line in enumerate(lines) for column in range(38) if line[column] == "."]
    distances = [np.hypot(5.0 * (column - 19.5), 10.0 * (row - 11.0)) for row, column in circle]
    assert len(circle) > 20 and min(distances) > 42.0 and max(distances) < 58.0


def test_the_map_grows_with_the_flight():
    text = panel(flight(0, east=400e3))
    assert "800 km wide" in text or "1200 km wide" in text
    assert "@" in text


def test_several_flights_have_a_row_each_and_one_map():
    lines = text_panel(PAIR)
    assert lines[0].startswith("2 flights") and "1.5 h" in lines[0]
    assert lines[1].split() == ["distance", "altitude", "battery", "action", "TWR50"]
    assert lines[2].split() == ["1", "tradewind", "58.3", "km", "16.60", "km", "84", "%", "up", "0.0", "%"]
    assert lines[3].startswith("2 station_seeker")
    on_map = "\n".join(lines[4:])
    assert "1" in on_map and "2" in on_map and "+" in on_map
    low = text_panel(PAIR, 78, 8)
    assert low[2] == lines[2] and not "".join(low[4:]).strip()


@pytest.mark.parametrize(
    ("tracks", "size", "message"),
    [([], (78, 22), "give at least one track"), (PAIR, (39, 22), "at least 40 x 5 characters, got 39 x 22")],
)
def test_other_panels_are_refused(tracks, size, message):
    with pytest.raises(ValueError, match=message):
        text_panel(tracks, *size)


# --- The renderer


def test_the_renderer_returns_the_panel():
    renderer = TextRenderer(50.0, TextOptions(width=60, height=20), "tradewind")
    for _ in range(2):
        renderer.reset()
        for info in flight(5):
            renderer.step(info)
        lines = text_panel([track_of(flight(5), "tradewind")], 60, 20)
        assert renderer.render("ansi") == "\n".join(line.rstrip() for line in lines)
    for other in (copy.deepcopy(renderer), pickle.loads(pickle.dumps(renderer))):
        assert other.render("ansi") == renderer.render("ansi")
    assert not renderer.shows_winds


def test_the_renderer_refuses_other_modes_and_needs_a_flight():
    renderer = TextRenderer(50.0)
    with pytest.raises(ValueError, match="render mode must be one of ansi, got 'human'"):
        renderer.render("human")
    with pytest.raises(RuntimeError, match="before the first step: call reset of the environment first"):
        renderer.render("ansi")


@pytest.mark.parametrize("options", [{"width": 39}, {"height": 4}, {"width": 78.5}, {"height": True}, {"width": "80"}])
def test_other_sizes_are_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least"):
        TextOptions(**options)


def test_text_needs_no_drawing_library():
    code = """
import sys
for name in ("matplotlib", "rich", "PIL"):
    sys.modules[name] = None
from ble_env.rendering import text_panel
from flight_infos import flight, track_of
assert len(text_panel([track_of(flight(3))])) == 22
assert "jax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", f"import sys; sys.path = {sys.path}{code}"], check=True)


# --- Tracks


def test_a_track_has_the_flight():
    track = track_of(flight(200))
    points = track.points()
    assert (track.num_steps, len(points.x), track.is_empty) == (200, 201, False)
    np.testing.assert_allclose(points.x, 30.0 + np.arange(201))
    np.testing.assert_allclose(points.hours, 0.05 * np.arange(201))
    assert np.isnan(points.reward[0]) and np.isnan(points.twr[0])
    steps = np.arange(1, 201)
    np.testing.assert_allclose(points.twr[1:], np.minimum(steps, 10) / steps)
    np.testing.assert_allclose(points.mean_reward[1:], 0.8)
    assert len(track.points(10).x) == 11 and len(track.points(500).x) == 201
    assert track.winds() is None and np.isnan(points.lowest_altitude).all()
    track.clear()
    assert (track.num_steps, track.is_empty) == (-1, True) and len(track.points().x) == 0


def test_a_track_keeps_winds_and_the_altitudes_within_reach():
    track = track_of([info | {"winds": column(3.0, -1.0)} for info in flight(100)])
    winds, heights = track.winds(40), track.heights
    assert winds is not None and heights is not None
    assert winds.shape == (41, len(heights), 2) and (winds == [3.0, -1.0]).all()
    points = track.points()
    np.testing.assert_allclose(points.lowest_altitude, -7.0 * np.log(11e3 / 1e5), atol=0.002)
    np.testing.assert_allclose(points.highest_altitude, -7.0 * np.log(6e3 / 1e5), atol=0.002)


def test_a_recorder_only_keeps_the_track():
    recorder = FlightRecorder(50.0, "tradewind", shows_winds=False)
    with pytest.raises(RuntimeError, match="call reset"):
        recorder.render("ansi")
    for info in flight(5):
        recorder.step(info)
    assert recorder.render("ansi") == "5 steps"
    assert (recorder.track.name, recorder.track.num_steps, recorder.shows_winds) == ("tradewind", 5, False)

"""The picture of flights: what it shows, its windows, and bad input. The flights are made up: nothing is compiled."""

import copy
import itertools
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from flight_infos import DAY, START, STEP, column, flight, track_of
from matplotlib.image import imread

from ble_env.options import MatplotlibOptions
from ble_env.rendering import Renderer
from ble_env.rendering.flight_picture import OffScreen, Window
from ble_env.rendering.matplotlib_renderer import MatplotlibRenderer
from ble_env.rendering.theme import DARK, LIGHT
from ble_env.rendering.track import Track, doubled, map_half_width

SMALL = MatplotlibOptions(dpi=40)
"""320 x 200 pixels."""


@pytest.fixture
def pyplot() -> Iterator[Any]:
    """pyplot without a display, and without the figures of other tests."""
    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    plt.close("all")
    yield plt
    plt.close("all")
    matplotlib.use(backend)


def follow(renderer: Renderer, infos: list[dict[str, Any]]) -> Renderer:
    renderer.reset()
    for info in infos:
        renderer.step(info)
    return renderer


def frame(renderer: Renderer) -> np.ndarray:
    picture = renderer.render("rgb_array")
    assert isinstance(picture, np.ndarray)
    return picture


def picture(infos: list[dict[str, Any]], radius_km: float = 50.0, **options: Any) -> np.ndarray:
    return frame(follow(MatplotlibRenderer(radius_km, MatplotlibOptions(**{"dpi": 40, **options})), infos))


PARTS = {
    "heading": (slice(0, 24), slice(None)),
    "map": (slice(26, 178), slice(8, 159)),
    "altitude": (slice(26, 87), slice(189, 287)),
    "actions": (slice(94, 111), slice(189, 287)),
    "battery": (slice(118, 145), slice(189, 287)),
    "rewards": (slice(152, 178), slice(189, 287)),
}
"""Of a picture at 40 dpi: inside the frames."""


def part(drawn: np.ndarray, name: str) -> np.ndarray:
    return drawn[PARTS[name]]


def near(drawn: np.ndarray, colour: str, tolerance: int = 60) -> np.ndarray:
    """bool[height, width], where the picture has a colour (#rrggbb), be it thinner than a pixel."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return np.abs(drawn.astype(int) - wanted).max(axis=-1) <= tolerance


BALLOON = LIGHT.flights[0]
EASTERN = {"x": 60e3, "y": 0.0, "distance": 60e3, "altitude": 15.2e3}
"""A place of the balloon."""


# --- Pictures


@pytest.mark.parametrize(("dpi", "shape"), [(40, (200, 320, 3)), (np.int64(64), (320, 512, 3))])
def test_a_picture_is_8_by_5_inches(dpi, shape):
    drawn = picture(flight(3), dpi=dpi)
    assert drawn.shape == shape and drawn.dtype == np.uint8 and drawn.flags.c_contiguous
    assert (drawn == 255).mean() > 0.5 and drawn.min() < 60


def test_all_pictures_of_an_episode_fit_into_half_a_gigabyte():
    drawn = frame(follow(MatplotlibRenderer(50.0), flight(3)))
    assert drawn.shape == (320, 512, 3)
    assert drawn.nbytes * 961 < 500e6


def test_every_part_moves_with_the_flight():
    before, after = picture(flight(2)), picture(flight(30))
    for name in PARTS:
        assert (part(before, name) != part(after, name)).any(), name
    for drawn in (before, after):
        assert near(part(drawn, "map"), BALLOON).any() and near(drawn[PARTS["altitude"][0], 183:295], BALLOON).any()


@pytest.mark.parametrize("view", ["map", "3d"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_frames_on_the_way_leave_no_trace(view, theme):
    """What stays is drawn once, what moves is drawn over it: nothing of earlier frames may be left."""
    renderer = MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40, view=view, theme=theme))
    frames = []
    for info in flight(20):
        renderer.step(info | {"winds": column(3.0, -8.0)})
        frames.append(frame(renderer))
    assert len({drawn.tobytes() for drawn in frames}) == 21
    infos = [info | {"winds": column(3.0, -8.0)} for info in flight(20)]
    for steps in (0, 7, 20):
        np.testing.assert_array_equal(frames[steps], picture(infos[: steps + 1], view=view, theme=theme))
    np.testing.assert_array_equal(frame(renderer), frames[-1])


def test_reset_clears_the_path():
    renderer = follow(MatplotlibRenderer(50.0, SMALL), flight(200, east=-20e3))
    long_flight = frame(renderer)
    follow(renderer, flight(5))
    np.testing.assert_array_equal(frame(renderer), picture(flight(5)))
    assert (frame(renderer) != long_flight).any()


def test_a_renderer_needs_no_reset_at_first():
    renderer = MatplotlibRenderer(50.0, SMALL)
    for info in flight(3):
        renderer.step(info)
    np.testing.assert_array_equal(frame(renderer), picture(flight(3)))


def test_renderers_do_not_disturb_each_other():
    one, other = (MatplotlibRenderer(50.0, SMALL) for _ in range(2))
    follow(one, flight(5))
    before = frame(one)
    kept = before.copy()
    follow(other, flight(9, east=-60e3))
    assert (frame(other) != before).any()
    np.testing.assert_array_equal(frame(one), kept)
    other.close()
    np.testing.assert_array_equal(frame(one), kept)
    np.testing.assert_array_equal(before, kept)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda renderer: pickle.loads(pickle.dumps(renderer))])
def test_a_copy_draws_on_its_own(way):
    renderer = follow(MatplotlibRenderer(50.0, SMALL), flight(5))
    before = frame(renderer)
    other = way(renderer)
    np.testing.assert_array_equal(frame(other), before)
    other.step(flight(6)[-1])
    np.testing.assert_array_equal(frame(other), picture(flight(6)))
    np.testing.assert_array_equal(frame(renderer), before)


def test_the_circle_has_the_radius():
    small, large = picture(flight(3)), picture(flight(3), radius_km=80.0)
    for name in ("map", "heading"):
        assert (part(small, name) != part(large, name)).any(), name
    is_inside = near(part(small, "map"), LIGHT.inside, 2)
    rows, columns = np.flatnonzero(is_inside.any(axis=1)), np.flatnonzero(is_inside.any(axis=0))
    # 100 km each way are 77 pixels.
    assert np.ptp(rows) == pytest.approx(77, abs=4) and np.ptp(columns) == pytest.approx(77, abs=4)


@pytest.mark.parametrize(("east", "altitude"), [(-90.0, 15.5), (0.0, 17.0), (45.0, 19.5)])
def test_the_balloon_is_where_the_axes_say(east, altitude):
    """At 40 dpi the map has 154 x 154 pixels from (25, 6.4), the altitude's axes 101 x 63 from (25, 187)."""

    def dot(name: str) -> np.ndarray:
        return np.argwhere(near(part(drawn, name), BALLOON)).mean(axis=0)

    time = {"date_time": START + DAY, "time_elapsed": float(DAY)}
    info = {"x": 1e3 * east, "y": -60e3, "altitude": 1e3 * altitude, "wind_u": 0.0, "wind_v": 0.0}
    drawn = picture([flight(0)[0] | info | time])
    np.testing.assert_allclose(dot("map"), (25 + 154 * 0.8 - 26, 6.4 + 77 + 0.77 * east - 8), rtol=0, atol=1.5)
    expected = 25 + 63 * (20.0 - altitude) / 5.0 - 26, 187.2 + 50.4 - 189
    np.testing.assert_allclose(dot("altitude"), expected, rtol=0, atol=1.5)


def test_the_path_has_the_colours_of_the_hours():
    """Light at the start, dark at the end."""
    infos = [info | {"x": -80e3 + 200.0 * step, "y": -70e3} for step, info in enumerate(flight(800))]
    drawn = part(picture(infos), "map")
    rows = drawn[26 + 100 : 26 + 112]  # Around 70 km south.
    lightness = rows.mean(axis=2).min(axis=0)
    path = lightness[16:130]
    assert path[:20].mean() > path[45:65].mean() + 20 > path[90:110].mean() + 40


def test_winds_towards_the_station_are_blue_and_those_away_from_it_orange():
    def colours(u: float) -> np.ndarray:
        """At 17.6 km of altitude, after 12 of 48 hours."""
        infos = [info | EASTERN | {"winds": column(u, 3.0)} for info in flight(400)]
        return part(picture(infos), "altitude")[30, 20].astype(int)

    towards, away, calm = colours(-10.0), colours(10.0), colours(0.0)
    assert towards[2] > towards[0] + 60 and away[0] > away[2] + 60
    assert np.ptp(calm) < 12 and calm.min() > 230


def test_winds_fade_beyond_reach():
    infos = [info | EASTERN | {"winds": column(12.0, 0.0)} for info in flight(400)]
    drawn = part(picture(infos), "altitude")[:, 20].astype(int)
    strength = drawn[:, 0] - drawn[:, 2]
    # 6 to 11 kPa are 19.7 to 15.5 km: of 63 rows from 20 to 15 km all but 4 above and 6 below.
    reachable = strength > 100
    assert reachable[6:52].mean() > 0.9 and not reachable[:2].any() and not reachable[-4:].any()
    assert (strength[[0, 1, -1]] > 5).all()  # The line of the altitude is between.


def test_without_winds_there_is_a_grid():
    plain = picture(flight(300), winds=False)
    infos = [info | {"winds": column(9.0, 3.0)} for info in flight(300)]
    np.testing.assert_array_equal(picture(infos, winds=False), plain)
    assert not MatplotlibRenderer(50.0, MatplotlibOptions(winds=False)).shows_winds
    assert MatplotlibRenderer(50.0).shows_winds


def test_overruled_actions_and_the_power_layer_are_red():
    def reds(infos: list[dict[str, Any]]) -> dict[str, int]:
        return {name: int(near(part(picture(infos), name), LIGHT.overruled).sum()) for name in PARTS}

    infos = flight(400)
    assert not any(reds(infos).values())
    for info in infos[200:300]:
        info |= {"action": 0, "effective_action": 1}
    found = reds(infos)
    assert found.pop("actions") > 20 and not any(found.values())
    for info in infos[200:300]:
        info |= {"action": 1, "paused_power": True}
    found = reds(infos)
    assert found.pop("battery") > 8 and not any(found.values())


def test_actions_have_a_row_each():
    def rows_of(action: int) -> np.ndarray:
        infos = [info | {"action": action, "effective_action": action} for info in flight(600)]
        return np.flatnonzero(near(part(picture(infos), "actions"), LIGHT.ink).mean(axis=1) > 0.3)

    up, stay, down = (rows_of(action) for action in (2, 1, 0))
    assert up[-1] < stay[0] and stay[-1] < down[0]
    assert all(4 <= len(rows) <= 7 for rows in (up, stay, down))


def test_nights_are_shaded():
    infos = flight(900)
    for info in infos[300:500]:
        info["solar_power"] = 0.0
    shaded = near(part(picture(infos), "battery"), LIGHT.night, 3)[-2]
    columns = np.flatnonzero(shaded)
    np.testing.assert_allclose([columns[0], columns[-1]], [101 * 15 / 48 - 2, 101 * 25 / 48 - 2], atol=2)


def test_a_dark_picture_is_dark():
    drawn = picture(flight(10), theme="dark")
    assert near(drawn, DARK.background, 2).mean() > 0.5
    assert near(part(drawn, "map"), DARK.flights[0]).any()


def test_the_view_in_three_dimensions():
    def blue_rows(altitude: float) -> np.ndarray:
        info = flight(0)[0] | {"x": 0.0, "y": -60e3, "altitude": altitude}
        seen = picture([info], view="3d")[26:190, 0:165].astype(int)
        return np.flatnonzero((seen[..., 2] - seen[..., 0] > 25).any(axis=1))

    low, high = blue_rows(15.5e3), blue_rows(19.5e3)
    assert abs(low[-1] - high[-1]) <= 5  # The balloon's dot reaches below the floor.
    assert high[0] < low[0] - 25 and len(high) > 0.95 * (high[-1] - high[0])


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_the_heading_has_the_state_and_the_share_of_steps_inside(pyplot):
    def heading(infos: list[dict[str, Any]], radius_km: float = 50.0) -> list[str]:
        follow(MatplotlibRenderer(radius_km, SMALL), infos).render("human")
        return [text.get_text() for text in pyplot.gcf().texts[:12]]

    infos = flight(4, east=33e3, north=33e3)  # Inside at the start and after two of four steps.
    texts = heading(infos)
    named = dict(zip(texts[::2], texts[1::2], strict=True))
    assert named == {
        "time": "0.2 h",
        "distance": "52.3 km",
        "altitude": "16.08 km",
        "battery": "89 %",
        "TWR50": "50.0 %",
        "reward": "0.80",
    }
    assert heading(infos[:1])[9] == "-" and heading(infos[:1])[11] == "-"
    assert heading(infos, radius_km=62.5)[8] == "TWR62.5"


# --- Far and long flights


@pytest.mark.parametrize(("east", "north"), [(900e3, 0.0), (0.0, -900e3), (-2e6, 2e6)])
def test_a_balloon_far_away_is_in_view(east, north):
    drawn = picture(flight(3, east=east, north=north))
    assert near(part(drawn, "map"), BALLOON).any()


@pytest.mark.parametrize(
    ("width", "needed", "expected"),
    [(150.0, 0.0, 150.0), (150.0, 150.0, 150.0), (150.0, 150.1, 300.0), (2.0, 2.0, 2.0), (2.0, 9.0, 16.0)],
)
def test_views_double_when_they_have_to(width, needed, expected):
    assert doubled(width, needed) == expected


@pytest.mark.parametrize(("east", "radius", "expected"), [(0.0, 50.0, 100.0), (95.0, 50.0, 150.0), (0.0, 130.0, 200.0)])
def test_maps_hold_the_circle_and_the_flights(east, radius, expected):
    points = track_of(flight(0, east=1e3 * east)).points()
    assert map_half_width([points, Track().points()], radius) == expected


def test_views_stay_wide_until_the_next_flight():
    far, near_by = flight(0, east=400e3), flight(0)
    renderer = follow(MatplotlibRenderer(50.0, SMALL), [*near_by, *far, *near_by])
    is_inside = near(part(frame(renderer), "map"), LIGHT.inside, 2).sum()
    assert is_inside == pytest.approx(near(part(picture(far), "map"), LIGHT.inside, 2).sum(), rel=0.3)
    assert is_inside < 0.3 * near(part(picture(near_by), "map"), LIGHT.inside, 2).sum()
    follow(renderer, near_by)
    np.testing.assert_array_equal(frame(renderer), picture(near_by))


def test_the_time_axes_are_two_days_long_until_the_flight_is_longer():
    def labels(elapsed: float, **options: Any) -> np.ndarray:
        info = flight(0)[0] | {"date_time": START + elapsed, "time_elapsed": elapsed}
        return picture([info], **options)[181:190, 180:295]

    short, whole, longer = labels(STEP), labels(2 * DAY), labels(2 * DAY + STEP)
    np.testing.assert_array_equal(whole, short)
    assert (longer != whole).any()
    np.testing.assert_array_equal(labels(STEP, hours=96.0), longer)
    np.testing.assert_array_equal(labels(7 * 3600, hours=6.0), labels(STEP, hours=12.0))


def test_a_flight_beyond_the_usual_altitudes_is_in_view():
    time = {"date_time": START + DAY, "time_elapsed": float(DAY)}
    drawn = picture([flight(0)[0] | {"altitude": 23.4e3} | time])
    assert near(part(drawn, "altitude"), BALLOON).any()


# --- Several flights


def test_several_flights_have_a_colour_each():
    starts = {"one": -60e3, "other": 10e3, "third": 0.0}
    tracks = [track_of(flight(300, east=east), name) for name, east in starts.items()]
    off_screen = OffScreen([track.name for track in tracks], 50.0, SMALL)
    drawn = off_screen.draw(tracks)
    assert drawn.shape == (200, 320, 3)
    for colour in LIGHT.flights[:3]:
        for name in ("map", "altitude", "actions", "battery", "rewards", "heading"):
            # The lines of battery and altitude lie on each other.
            is_hidden = name in ("battery", "altitude") and colour != LIGHT.flights[2]
            rows, columns = PARTS[name]
            if name not in ("heading", "map"):  # The heading of several flights is 9 pixels lower.
                rows = slice(rows.start - 9, rows.stop - 9)
            assert is_hidden or near(drawn[rows, columns], colour, 90).any(), (colour, name)
    alone = off_screen.draw([tracks[0], Track("other"), Track("third")])
    assert near(part(alone, "map"), LIGHT.flights[0]).any() and not near(part(alone, "map"), LIGHT.flights[1], 30).any()


def test_a_film_is_drawn_from_whole_flights():
    tracks = [track_of(flight(40, east=east), name) for east, name in ((-60e3, "one"), (10e3, "other"))]
    off_screen = OffScreen(["one", "other"], 50.0, SMALL)
    frames = [off_screen.draw(tracks, upto=steps) for steps in (40, 0, 20, 90)]
    np.testing.assert_array_equal(frames[0], frames[3])
    np.testing.assert_array_equal(frames[0], off_screen.draw(tracks))
    cut = [track_of(flight(40, east=east)[:21], name) for east, name in ((-60e3, "one"), (10e3, "other"))]
    np.testing.assert_array_equal(frames[2], OffScreen(["one", "other"], 50.0, SMALL).draw(cut))


def test_the_axes_of_a_film_do_not_move():
    infos = [*flight(3), *flight(0, east=500e3)]
    off_screen = OffScreen([""], 50.0, SMALL)
    inside = [near(part(off_screen.draw([track_of(infos)], upto), "map"), LIGHT.inside, 2).sum() for upto in (0, 4)]
    assert inside[0] == pytest.approx(inside[1], abs=4) and inside[0] < 800


def test_winds_of_a_film_are_those_up_to_the_moment():
    whole = track_of([info | {"winds": column(9.0, 3.0)} for info in flight(40)])
    off_screen = OffScreen([""], 50.0, SMALL)
    off_screen.draw([whole])
    for steps in (10, 30, 0):
        infos = [info | {"winds": column(9.0, 3.0)} for info in flight(steps)]
        np.testing.assert_array_equal(off_screen.draw([whole], steps), picture(infos))
    other = track_of([info | {"winds": column(-9.0, 3.0)} for info in flight(40)])
    np.testing.assert_array_equal(off_screen.draw([other]), OffScreen([""], 50.0, SMALL).draw([other]))


@pytest.mark.parametrize("number", [2, 5, 10])
def test_any_number_of_flights_fits(number):
    tracks = [track_of(flight(3, east=10e3 * i), f"agent {i}") for i in range(number)]
    drawn = OffScreen([track.name for track in tracks], 50.0, SMALL).draw(tracks)
    assert near(drawn[:24], LIGHT.flights[0], 110).any()


def test_a_picture_is_saved_as_png(tmp_path: Path):
    tracks = [track_of(flight(10))]
    off_screen = OffScreen([""], 50.0, SMALL)
    off_screen.save(tmp_path / "flight.png", tracks)
    saved = np.rint(255.0 * imread(tmp_path / "flight.png"))[..., :3]
    np.testing.assert_array_equal(saved, off_screen.draw(tracks))
    assert [path.name for path in tmp_path.iterdir()] == ["flight.png"]


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_several_flights_in_a_window(pyplot):
    tracks = [track_of(flight(10, east=east), name) for east, name in ((-60e3, "one"), (10e3, "other"))]
    window = Window(["one", "other"], 50.0, SMALL)
    window.draw(tracks)
    assert window.is_open
    np.testing.assert_array_equal(shown(pyplot.gcf()), OffScreen(["one", "other"], 50.0, SMALL).draw(tracks))
    window.close()
    assert not window.is_open
    window.draw(tracks)


def test_colours_of_flights_differ_for_all_eyes():
    """In lightness or hue, as simulated for people who lack a kind of cones (Machado et al. 2009, severity 1)."""
    kinds = {
        "all cones": np.eye(3),
        "no long": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "no middle": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    }
    for theme in (LIGHT, DARK):
        colours = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in theme.flights[:4]])
        for kind, matrix in kinds.items():
            seen = np.clip(colours**2.2 @ np.transpose(matrix), 0.0, 1.0) ** (1 / 2.2)
            for one, other in itertools.combinations(seen, 2):
                assert np.abs(one - other).max() > 0.2, (kind, one, other)


# --- pyplot


def test_off_screen_pictures_leave_pyplot_alone(pyplot):
    mine = pyplot.figure()
    renderer = follow(MatplotlibRenderer(50.0, SMALL), flight(3))
    renderer.render("rgb_array")
    renderer.reset()
    renderer.close()
    assert pyplot.get_fignums() == [mine.number] and pyplot.gcf() is mine and not mine.axes


def test_off_screen_pictures_do_without_pyplot_and_a_display():
    code = """
import sys
import ble_env.rendering
assert "matplotlib" not in sys.modules
from ble_env.options import MatplotlibOptions
from ble_env.rendering.matplotlib_renderer import MatplotlibRenderer
renderer = MatplotlibRenderer(50.0, MatplotlibOptions(dpi=10))
renderer.step(eval(sys.argv[1]))
assert renderer.render("rgb_array").shape == (50, 80, 3)
assert "matplotlib.pyplot" not in sys.modules
"""
    headless = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    subprocess.run([sys.executable, "-c", code, repr(flight(0)[0])], check=True, env=headless)


def shown(figure) -> np.ndarray:
    return np.array(figure.canvas.buffer_rgba())[..., :3]


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
class TestWindows:
    def test_each_renderer_has_a_window_that_follows_its_flight(self, pyplot):
        mine = pyplot.figure()
        one, other = (MatplotlibRenderer(50.0, SMALL) for _ in range(2))
        pictures = []
        for steps in (3, 6):
            for renderer, east in ((one, 0.0), (other, -40e3)):
                follow(renderer, flight(steps, east=east))
                assert renderer.render("human") is None
            assert len(pyplot.get_fignums()) == 3
            pictures += [shown(pyplot.figure(number)) for number in pyplot.get_fignums() if number != mine.number]
        assert pictures[0].shape == (200, 320, 3)
        assert len({drawn.tobytes() for drawn in pictures}) == 4
        assert not mine.axes

        one.close()
        one.close()
        assert len(pyplot.get_fignums()) == 2 and mine.number in pyplot.get_fignums()
        other.close()
        assert pyplot.get_fignums() == [mine.number]

    def test_a_window_shows_the_picture(self, pyplot):
        renderer = follow(MatplotlibRenderer(50.0, SMALL), flight(10))
        renderer.render("human")
        np.testing.assert_array_equal(shown(pyplot.gcf()), frame(renderer))

    def test_rendering_does_not_wait_for_the_user(self, pyplot, monkeypatch):
        for name in ("show", "pause"):
            monkeypatch.setattr(pyplot, name, lambda *args, **kwargs: pytest.fail("this may wait"))
        calls = []
        canvas_type = type(pyplot.figure().canvas)
        monkeypatch.setattr(canvas_type, "flush_events", lambda self: calls.append("flush_events"))
        renderer = follow(MatplotlibRenderer(50.0, SMALL), flight(1))
        renderer.render("human")
        assert calls == ["flush_events"]

    def test_a_window_that_the_user_closes_stays_away_until_the_next_flight(self, pyplot, monkeypatch):
        renderer = follow(MatplotlibRenderer(50.0, SMALL), flight(1))
        renderer.render("human")
        window = pyplot.gcf()
        pyplot.close(window)
        monkeypatch.setattr(window.canvas, "draw_idle", lambda: pytest.fail("there is no window to draw to"))
        mine = pyplot.figure()  # It takes the number of the window.
        renderer.render("human")
        assert pyplot.get_fignums() == [mine.number]
        follow(renderer, flight(2))
        renderer.render("human")
        assert len(pyplot.get_fignums()) == 2
        renderer.close()
        assert pyplot.get_fignums() == [mine.number]

    def test_a_window_stays_the_same_from_flight_to_flight(self, pyplot):
        renderer = MatplotlibRenderer(50.0, SMALL)
        for _ in range(2):
            follow(renderer, flight(1)).render("human")
            assert pyplot.get_fignums() == [1]

    def test_a_closed_renderer_opens_another_window(self, pyplot):
        renderer = follow(MatplotlibRenderer(50.0, SMALL), flight(1))
        renderer.render("human")
        renderer.close()
        renderer.render("human")
        assert len(pyplot.get_fignums()) == 1


# --- Bad input


@pytest.mark.parametrize("dpi", [0, -100, 9, 601, 72.5, float("nan"), True, "100", None])
def test_another_dpi_is_refused(dpi: Any):
    with pytest.raises(ValueError, match=f"dpi must be a whole number from 10 to 600, got {dpi!r}"):
        MatplotlibRenderer(50.0, MatplotlibOptions(dpi=dpi))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "plan"}, "view must be map or 3d, got 'plan'"),
        ({"theme": "blue"}, "theme must be light or dark, got 'blue'"),
        ({"hours": 0.0}, "hours must be positive, got 0.0"),
        ({"hours": float("nan")}, "hours must be positive, got nan"),
    ],
)
def test_other_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MatplotlibOptions(**options)


def test_an_unknown_mode_is_refused():
    renderer = follow(MatplotlibRenderer(50.0), flight(1))
    assert renderer.render_modes == ("human", "rgb_array")
    with pytest.raises(ValueError, match="render mode must be one of human, rgb_array, got 'ansi'"):
        renderer.render("ansi")


@pytest.mark.parametrize("mode", ["human", "rgb_array"])
def test_there_is_nothing_to_draw_before_the_first_step(mode, pyplot):
    renderer = MatplotlibRenderer(50.0, SMALL)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="before the first step: call reset of the environment first"):
            renderer.render(mode)
        follow(renderer, flight(2)).reset()
    assert pyplot.get_fignums() == []


def test_without_matplotlib_the_remedy_is_told(monkeypatch):
    for name in ("matplotlib_renderer", "flight_picture"):
        monkeypatch.delitem(sys.modules, f"ble_env.rendering.{name}")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "ble-env\[render\]"'):
        import ble_env.rendering.matplotlib_renderer  # noqa: F401

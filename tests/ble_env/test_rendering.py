"""The renderer: its pictures, its windows, and bad input. Flights are made up, so that nothing is compiled."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from ble_env.options import MatplotlibOptions
from ble_env.rendering import Renderer, matplotlib_renderer
from ble_env.rendering.matplotlib_renderer import MatplotlibRenderer

START = 1_367_573_220  # 2013-05-03 09:27 UTC.
STEP = 180
DAY = 86400


@pytest.fixture
def pyplot() -> Iterator[Any]:
    """pyplot without a display, and without the figures of other tests."""
    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    plt.close("all")
    yield plt
    plt.close("all")
    matplotlib.use(backend)


def flight(num_steps: int, *, east: float = 30e3, north: float = 20e3, radius: float = 50e3) -> list[dict[str, Any]]:
    """The infos of a balloon that drifts 1 km north-east and 20 m up a step from (east, north), in m."""
    infos = []
    for step in range(num_steps + 1):
        x, y = east + 1e3 * step, north + 1e3 * step
        distance = float(np.hypot(x, y))
        infos.append(
            {
                "x": x,
                "y": y,
                "distance": distance,
                "altitude": 16e3 + 20.0 * step,
                "battery": 0.9 - 0.002 * step,
                "inside_radius": distance <= radius,
                "date_time": START + step * STEP,
                "time_elapsed": step * STEP,
            }
        )
    return infos


def follow(renderer: Renderer, infos: list[dict[str, Any]]) -> Renderer:
    renderer.reset()
    for info in infos:
        renderer.step(info)
    return renderer


def picture(infos: list[dict[str, Any]], radius_km: float = 50.0) -> np.ndarray:
    return frame(follow(MatplotlibRenderer(radius_km, MatplotlibOptions(dpi=40)), infos))


def frame(renderer: Renderer) -> np.ndarray:
    picture = renderer.render("rgb_array")
    assert isinstance(picture, np.ndarray)
    return picture


def part(picture: np.ndarray, name: str) -> np.ndarray:
    """Of a picture at 40 dpi: the heading, the plan view, the battery's axes, or the box."""
    rows, columns = {
        "heading": (slice(0, 25), slice(None)),
        "plan": (slice(25, 170), slice(0, 160)),
        "battery": (slice(25, 135), slice(380, None)),
        "box": (slice(200, None), slice(None)),
    }[name]
    return picture[rows, columns]


def has_red(picture: np.ndarray) -> bool:
    """Whether something has the colour of the balloon and its stem, be it thinner than a pixel."""
    return bool((picture[..., 0].astype(int) - picture[..., 1]).max() > 30)


def has_blue(picture: np.ndarray) -> bool:
    """Whether something has the colour of the path."""
    return bool((picture[..., 2].astype(int) - picture[..., 0]).max() > 60)


# --- Pictures


@pytest.mark.parametrize(("dpi", "shape"), [(40, (400, 600, 3)), (np.int64(65), (650, 975, 3))])
def test_a_picture_is_15_by_10_inches(dpi, shape):
    drawn = frame(follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=dpi)), flight(3)))
    assert drawn.shape == shape and drawn.dtype == np.uint8 and drawn.flags.c_contiguous
    assert (drawn == 255).mean() > 0.5 and drawn.min() < 50


def test_every_part_moves_with_the_flight():
    before, after = picture(flight(2)), picture(flight(30))
    for name in ("heading", "plan", "battery", "box"):
        assert (part(before, name) != part(after, name)).any(), name
    for name in ("plan", "battery", "box"):
        assert has_red(part(before, name)) and has_red(part(after, name)), name
        assert has_blue(part(after, name)) and not has_blue(part(picture(flight(0)), name)), name
    below_the_plan = slice(152, 170), slice(0, 160)
    assert (before[below_the_plan] == after[below_the_plan]).all()


def test_frames_on_the_way_leave_no_trace():
    """What stays is drawn once, what moves is drawn over it: nothing of earlier frames may be left."""
    renderer = MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40))
    frames = []
    for info in flight(20):
        renderer.step(info)
        frames.append(frame(renderer))
    assert len({drawn.tobytes() for drawn in frames}) == 21
    for steps in (0, 7, 20):
        np.testing.assert_array_equal(frames[steps], picture(flight(steps)))
    np.testing.assert_array_equal(frame(renderer), frames[-1])


def test_reset_clears_the_path():
    renderer = follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)), flight(200, east=-20e3))
    long_flight = frame(renderer)
    follow(renderer, flight(5))
    np.testing.assert_array_equal(frame(renderer), picture(flight(5)))
    assert (frame(renderer) != long_flight).any()


def test_a_renderer_needs_no_reset_at_first():
    renderer = MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40))
    for info in flight(3):
        renderer.step(info)
    np.testing.assert_array_equal(frame(renderer), picture(flight(3)))


def test_renderers_do_not_disturb_each_other():
    one, other = (MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)) for _ in range(2))
    follow(one, flight(5))
    before = frame(one)
    kept = before.copy()
    follow(other, flight(9, east=-60e3))
    assert (frame(other) != before).any()
    np.testing.assert_array_equal(frame(one), kept)
    other.close()
    np.testing.assert_array_equal(frame(one), kept)
    np.testing.assert_array_equal(before, kept)


def test_the_circle_has_the_radius():
    small, large = picture(flight(3)), picture(flight(3), radius_km=100.0)
    for name in ("plan", "box", "heading"):
        assert (part(small, name) != part(large, name)).any(), name


@pytest.mark.parametrize(("share", "battery"), [(-1.0, 0.0), (0.5, 0.25), (0.0, 1.0)])
def test_the_balloon_is_where_the_axes_say(share, battery):
    """At 40 dpi the plan view has 120 x 120 pixels, the battery's axes 168 x 80; both begin at row 30."""

    def dot(name: str) -> np.ndarray:
        seen = part(drawn, name)
        return np.argwhere(seen[..., 0].astype(int) - seen[..., 1] > 30).mean(axis=0)

    time = {"date_time": START + DAY, "time_elapsed": float(DAY)}
    drawn = picture([flight(0)[0] | {"x": 150e3 * share, "y": -75e3, "battery": battery} | time])
    np.testing.assert_allclose(dot("plan"), (30 + 90 - 25, 36 + 60 + 60 * share), rtol=0, atol=1)
    np.testing.assert_allclose(dot("battery"), (30 + 80 * (1 - battery) - 25, 408 + 84 - 380), rtol=0, atol=1)


def test_the_stem_reaches_from_the_balloon_to_the_floor():
    def red_rows(altitude: float) -> np.ndarray:
        drawn = picture([flight(0)[0] | {"altitude": altitude}])
        return np.flatnonzero([has_red(row) for row in drawn[:, 165:380]])  # Between plan view and battery.

    low, high = red_rows(15.5e3), red_rows(19.5e3)
    assert abs(low[-1] - high[-1]) <= 1
    assert high[0] < low[0] - 50 and len(high) == high[-1] - high[0] + 1


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_the_heading_tells_the_state_and_the_share_of_steps_inside(pyplot):
    def heading(infos: list[dict[str, Any]], radius_km: float = 50.0) -> str:
        follow(MatplotlibRenderer(radius_km, MatplotlibOptions(dpi=40)), infos).render("human")
        (text,) = pyplot.gcf().texts
        return " ".join(text.get_text().split())

    infos = flight(4, east=33e3, north=33e3)  # Inside at the start and after two of four steps.
    assert heading(infos) == "time 0.2 h distance 52.3 km altitude 16.1 km TWR50 50.0%"
    assert heading(infos[:1]) == "time 0.0 h distance 46.7 km altitude 16.0 km TWR50 -"
    assert heading(infos, radius_km=62.5).endswith("TWR62.5 50.0%")


# --- Far and long flights


@pytest.mark.parametrize(("east", "north"), [(900e3, 0.0), (0.0, -900e3), (-2e6, 2e6)])
def test_a_balloon_far_away_is_in_view(east, north):
    drawn = picture(flight(3, east=east, north=north))
    assert has_red(part(drawn, "plan")) and has_red(part(drawn, "box"))


@pytest.mark.parametrize(
    ("width", "needed", "expected"),
    [(150.0, 0.0, 150.0), (150.0, 150.0, 150.0), (150.0, 150.1, 300.0), (2.0, 2.0, 2.0), (2.0, 9.0, 16.0)],
)
def test_views_double_when_they_have_to(width, needed, expected):
    assert matplotlib_renderer._doubled(width, needed) == expected


def test_views_stay_wide_until_the_next_flight():
    far, near = flight(0, east=400e3), flight(0)
    renderer = follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)), [*near, *far, *near])
    drawn = frame(renderer)
    labels = slice(25, 155), slice(0, 35)  # Of the plan view.
    assert (drawn[labels] != picture(near)[labels]).any()
    np.testing.assert_array_equal(drawn[labels], picture(far)[labels])
    follow(renderer, near)
    np.testing.assert_array_equal(frame(renderer), picture(near))


def test_the_battery_axis_is_two_days_long_until_the_flight_is_longer():
    def at(elapsed: float) -> dict[str, Any]:
        return flight(0)[0] | {"date_time": START + elapsed, "time_elapsed": elapsed}

    two_days = 2 * DAY
    labels = slice(112, 135), slice(380, None)
    short, whole, longer = (picture([at(elapsed)])[labels] for elapsed in (STEP, two_days, two_days + STEP))
    np.testing.assert_array_equal(whole, short)
    assert (longer != whole).any()


# --- pyplot


def test_off_screen_pictures_leave_pyplot_alone(pyplot):
    mine = pyplot.figure()
    renderer = follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)), flight(3))
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
renderer.step(dict(x=0.0, y=0.0, altitude=17e3, battery=1.0, inside_radius=True, date_time=10**9, time_elapsed=0.0))
assert renderer.render("rgb_array").shape == (100, 150, 3)
assert "matplotlib.pyplot" not in sys.modules
"""
    headless = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    subprocess.run([sys.executable, "-c", code], check=True, env=headless)


def shown(figure) -> np.ndarray:
    return np.array(figure.canvas.buffer_rgba())[..., :3]


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
class TestWindows:
    def test_each_renderer_has_a_window_that_follows_its_flight(self, pyplot):
        mine = pyplot.figure()
        one, other = (MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)) for _ in range(2))
        pictures = []
        for steps in (3, 6):
            for renderer, east in ((one, 0.0), (other, -40e3)):
                follow(renderer, flight(steps, east=east))
                assert renderer.render("human") is None
            assert len(pyplot.get_fignums()) == 3
            pictures += [shown(pyplot.figure(number)) for number in pyplot.get_fignums() if number != mine.number]
        assert pictures[0].shape == (400, 600, 3)
        assert len({drawn.tobytes() for drawn in pictures}) == 4
        assert not mine.axes

        one.close()
        one.close()
        assert len(pyplot.get_fignums()) == 2 and mine.number in pyplot.get_fignums()
        other.close()
        assert pyplot.get_fignums() == [mine.number]

    def test_a_window_shows_the_picture(self, pyplot):
        renderer = follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)), flight(10))
        renderer.render("human")
        np.testing.assert_array_equal(shown(pyplot.gcf()), frame(renderer))

    def test_rendering_does_not_wait_for_the_user(self, pyplot, monkeypatch):
        for name in ("show", "pause"):
            monkeypatch.setattr(pyplot, name, lambda *args, **kwargs: pytest.fail("this may wait"))
        calls = []
        canvas_type = type(pyplot.figure().canvas)
        monkeypatch.setattr(canvas_type, "flush_events", lambda self: calls.append("flush_events"))
        renderer = follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)), flight(1))
        renderer.render("human")
        assert calls == ["flush_events"]

    def test_a_window_that_the_user_closes_stays_away_until_the_next_flight(self, pyplot, monkeypatch):
        renderer = follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)), flight(1))
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
        renderer = MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40))
        for _ in range(2):
            follow(renderer, flight(1)).render("human")
            assert pyplot.get_fignums() == [1]

    def test_a_closed_renderer_opens_another_window(self, pyplot):
        renderer = follow(MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40)), flight(1))
        renderer.render("human")
        renderer.close()
        renderer.render("human")
        assert len(pyplot.get_fignums()) == 1


# --- Bad input


@pytest.mark.parametrize("dpi", [0, -100, 9, 601, 72.5, float("nan"), True, "100", None])
def test_another_dpi_is_refused(dpi: Any):
    with pytest.raises(ValueError, match=f"dpi must be a whole number from 10 to 600, got {dpi!r}"):
        MatplotlibRenderer(50.0, MatplotlibOptions(dpi=dpi))


def test_an_unknown_mode_is_refused():
    renderer = follow(MatplotlibRenderer(50.0), flight(1))
    assert renderer.render_modes == ("human", "rgb_array")
    with pytest.raises(ValueError, match="render mode must be one of human, rgb_array, got 'ansi'"):
        renderer.render("ansi")


@pytest.mark.parametrize("mode", ["human", "rgb_array"])
def test_there_is_nothing_to_draw_before_the_first_step(mode, pyplot):
    renderer = MatplotlibRenderer(50.0, MatplotlibOptions(dpi=40))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="before the first step: call reset of the environment first"):
            renderer.render(mode)
        follow(renderer, flight(2)).reset()
    assert pyplot.get_fignums() == []


def test_without_matplotlib_the_remedy_is_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "ble_env.rendering.matplotlib_renderer")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "ble-env\[render\]"'):
        import ble_env.rendering.matplotlib_renderer  # noqa: F401

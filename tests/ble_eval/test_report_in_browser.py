"""The report in a browser without a window: what is drawn, moved, linked to and said."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from report_fakes import NEW_COLUMNS, browser_programs, make_flight, make_result, start_browser, write_report
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from ble_eval.results.flight_path import FlightPath

pytestmark = pytest.mark.skipif(browser_programs() is None, reason="needs Chromium and its driver")

SEEDS = range(12)
SHIFTS = {"drifter": 0, "seeker": 50}
HOSTILE = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script>%{x}'


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    browser = start_browser()
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """Of three agents: one without the later columns, as in files of the original, one whole, one that fails."""
    return write_report(
        tmp_path_factory.mktemp("report") / "report.html",
        {
            "old": [make_result(seed, make_flight(seed, without=NEW_COLUMNS)) for seed in SEEDS],
            "seeker": [make_result(seed, make_flight(seed + 50)) for seed in SEEDS],
            "short": [
                make_result(seed, make_flight(seed, 40), out_of_power=True)
                if seed % 2
                else make_result(seed, FlightPath())
                for seed in SEEDS
            ],
        },
    )


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., Chrome]]:
    """Opens an address in a window of a size. At the end of a test the console must be empty."""

    def open_at(address: str, *, width: int = 1200, dark: bool = False) -> Chrome:
        browser.get("about:blank")  # Another fragment alone would not load the page again.
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in media.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(address)
        wait(browser, "return document.documentElement.dataset.ready === 'yes'")
        browser.execute_script("try { localStorage.clear() } catch {}")
        return browser

    yield open_at
    assert browser.get_log("browser") == []


def wait(browser: Chrome, script: str) -> None:
    WebDriverWait(browser, 60, poll_frequency=0.05).until(lambda it: it.execute_script(script))


def text_of(browser: Chrome, css: str) -> str:
    return browser.execute_script(f"return document.querySelector({css!r}).textContent")


def step_of(browser: Chrome) -> int:
    return int(browser.execute_script("return document.getElementById('time').value"))


def picture(browser: Chrome, canvas: str) -> str:
    return browser.execute_script(f"return document.getElementById('{canvas}').toDataURL()")


def next_frame(browser: Chrome) -> None:
    browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")


def readout(browser: Chrome) -> dict[str, list[str]]:
    """The cells of the table under the map by agent."""
    rows = browser.execute_script(
        "return [...document.querySelectorAll('#readout tbody tr')]"
        ".map(row => [...row.children].map(cell => cell.textContent))"
    )
    return {row[0]: row[1:] for row in rows}


def move_slider(browser: Chrome, step: int) -> None:
    browser.execute_script(
        "const slider = document.getElementById('time'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change'))",
        step,
    )
    next_frame(browser)


def test_everything_is_drawn_without_a_network(open_page, report):
    page = open_page(report)
    page.execute_script("document.getElementById('distribution').scrollIntoView()")
    wait(page, "return document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= 6")
    assert [row.text for row in page.find_elements(By.CSS_SELECTOR, "#ranking tbody th")]
    assert not page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    for canvas in ("points", "map", "strips"):
        colors = page.execute_script(
            f"const canvas = document.getElementById('{canvas}');"
            "const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
            "return new Set(new Uint32Array(data.buffer)).size"
        )
        assert colors > 20, canvas


def test_the_slider_moves_the_balloon(open_page, report):
    page = open_page(f"{report}#seed=3")
    before = picture(page, "map"), picture(page, "strips")
    move_slider(page, 77)
    assert picture(page, "map") != before[0] and picture(page, "strips") != before[1]
    flight = make_flight(53)
    action, distance, _, battery, wind, _, twr50, *_ = readout(page)["seeker"]
    assert action.split()[1] == ["down", "stay", "up"][int(flight.effective_action[77])]
    assert distance == f"{np.hypot(flight.x, flight.y)[77]:.1f} km"
    assert battery == f"{100 * flight.power[77]:.0f} %"
    speed = np.hypot(np.diff(flight.x), np.diff(flight.y))[76] / 0.18
    assert float(wind.removesuffix(" m/s")) == pytest.approx(speed, abs=0.1)
    assert twr50 == f"{(np.hypot(flight.x, flight.y) <= 50).mean():.3f}"
    assert text_of(page, "#clock") == "3 h 54 min"
    assert page.current_url.endswith("#seed=3&step=77")


def test_the_keyboard_moves_and_plays(open_page, report):
    page = open_page(f"{report}#seed=3")
    body = page.find_element(By.TAG_NAME, "body")
    before = picture(page, "map")
    body.send_keys(Keys.ARROW_RIGHT)
    body.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.NULL)
    next_frame(page)
    assert step_of(page) == 21
    assert picture(page, "map") != before
    body.send_keys(Keys.ARROW_LEFT)
    next_frame(page)
    assert step_of(page) == 20
    body.send_keys(" ")
    wait(page, "return Number(document.getElementById('time').value) > 25")
    assert page.find_element(By.ID, "play").get_attribute("aria-label") == "pause"
    body.send_keys(" ")
    stopped = step_of(page)
    next_frame(page)
    assert page.find_element(By.ID, "play").get_attribute("aria-label") == "play"
    assert step_of(page) == stopped
    body.send_keys("n")
    wait(page, "return location.hash.startsWith('#seed=4')")
    body.send_keys("p")
    wait(page, "return location.hash.startsWith('#seed=3')")


def test_the_last_step_ends_the_play(open_page, report):
    page = open_page(f"{report}#seed=3&step=110")
    page.find_element(By.ID, "play").click()
    wait(page, "return document.getElementById('play').getAttribute('aria-label') === 'play'")
    assert step_of(page) == 119


def test_a_link_opens_its_seed_agents_and_step(open_page, report):
    page = open_page(f"{report}#seed=5&agents=seeker,short&step=30")
    assert page.find_element(By.ID, "seed").get_attribute("value") == "5"
    assert list(readout(page)) == ["seeker", "short"]
    assert step_of(page) == 30
    assert 0 <= page.execute_script("return document.getElementById('flight').getBoundingClientRect().top") < 200
    page.execute_script("location.hash = '#seed=7&agents=old'")
    wait(page, "return document.getElementById('seed').value === '7'")
    wait(page, "return document.querySelectorAll('#readout tbody tr').length === 1")
    assert list(readout(page)) == ["old"]


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("seed=99", "The seed 99 is not in this report."),
        ("seed=%E0%A4%A&agents=%", "is not in this report."),
        ("seed=3&agents=nobody", "Not in this report: nobody."),
        ("seed=2", "No path of this flight is in the report: short."),
    ],
)
def test_what_is_not_there_is_said(open_page, report, fragment, said):
    page = open_page(f"{report}#{fragment}")
    assert said in page.find_element(By.ID, "flight-message").text
    assert len(readout(page)) == 3


def test_a_point_and_a_list_open_a_flight(open_page, report):
    page = open_page(report)
    assert page.execute_script("return location.hash") == ""
    page.find_element(By.CSS_SELECTOR, "#extremes li:last-child button").click()
    wait(page, "return location.hash.startsWith('#seed=')")
    listed = page.find_element(By.CSS_SELECTOR, "#extremes li:last-child button span").text
    assert page.current_url.endswith(f"#seed={listed}")

    other = page.execute_script(
        "return [...document.querySelectorAll('#extremes button span:first-child')]"
        f".map(it => it.textContent).find(it => it !== '{listed}')"
    )
    at = "const ring = getComputedStyle(document.getElementById('ring')).transform; return new DOMMatrix(ring).toJSON()"
    place = page.execute_script(at)
    page.execute_script(f"location.hash = '#seed={other}'")
    wait(page, f"return document.getElementById('seed').value === '{other}'")
    assert page.execute_script(at) != place
    page.execute_script("document.getElementById('points').scrollIntoView({block: 'center'})")
    canvas = page.find_element(By.ID, "points")
    offset = round(place["e"] - canvas.rect["width"] / 2), round(place["f"] - canvas.rect["height"] / 2)
    ActionChains(page).move_to_element_with_offset(canvas, *offset).perform()
    assert f"seed {listed}" in text_of(page, "#tip")
    ActionChains(page).click().perform()
    wait(page, f"return document.getElementById('seed').value === '{listed}'")


def test_agents_are_switched_off_and_on(open_page, report):
    page = open_page(f"{report}#seed=3")
    page.find_elements(By.CSS_SELECTOR, "#chips input")[0].click()
    wait(page, "return document.querySelectorAll('#readout tbody tr').length === 2")
    assert page.current_url.endswith("#seed=3&agents=seeker,short")


def test_the_leaderboard_is_sorted_by_the_heading_that_is_pressed(open_page, report):
    page = open_page(report)

    def column(place: int) -> list[str]:
        return page.execute_script(
            "return [...document.querySelectorAll('#ranking tbody tr')]"
            f".map(row => row.children[{place}].firstChild.textContent)"
        )

    scores = [float(text) for text in column(1)]
    assert scores == sorted(scores, reverse=True)
    page.find_element(By.CSS_SELECTOR, "#ranking thead th:nth-child(2) button").click()
    assert [float(text) for text in column(1)] == sorted(scores)


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_follow_the_system_and_the_button(open_page, report, dark):
    page = open_page(report, dark=dark)

    def brightness() -> int:
        color = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    assert (brightness() < 200) == dark
    before = picture(page, "points")
    page.find_element(By.ID, "theme").click()
    assert (brightness() < 200) != dark
    assert picture(page, "points") != before


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_sticks_out_of_the_window(open_page, report, width):
    page = open_page(report, width=width)
    page.execute_script("document.getElementById('distribution').scrollIntoView()")
    wait(page, "return document.querySelector('.js-plotly-plot .scatterlayer .trace')")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_text_of_files_is_text(open_page, tmp_path):
    address = write_report(
        tmp_path / "hostile.html",
        {name: [make_result(seed, make_flight(seed)) for seed in range(3)] for name in (HOSTILE, "plain")},
        title=HOSTILE,
        notes=[HOSTILE],
    )
    page = open_page(f"{address}#seed=1&agents={HOSTILE.replace('%', '%25')}")
    page.execute_script("document.getElementById('distribution').scrollIntoView()")
    wait(page, "return document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= 4")
    assert page.title == HOSTILE
    assert text_of(page, "h1") == HOSTILE and text_of(page, "#notes") == HOSTILE
    assert HOSTILE in readout(page)
    assert not page.find_elements(By.TAG_NAME, "img")
    assert page.execute_script("return window.hacked === undefined")


def test_the_policy_stops_markup_that_would_run(open_page, report, browser):
    page = open_page(report)
    page.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.hacked = 1\">')"
    )
    wait(page, "return document.querySelector('img').complete")
    next_frame(page)
    assert page.execute_script("return window.hacked === undefined")
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


@pytest.mark.parametrize("seeds", [[0], [3, 2**64 - 1]])
def test_results_without_paths_are_shown_and_it_is_said(open_page, tmp_path, seeds):
    address = write_report(tmp_path / "bare.html", {"alone": [make_result(seed, FlightPath()) for seed in seeds]})
    page = open_page(f"{address}#seed={seeds[-1]}")
    assert "hold no flight paths" in page.find_element(By.ID, "flight-message").text
    assert list(readout(page)) == ["alone"]
    assert page.find_element(By.ID, "seed").get_attribute("value") == str(seeds[-1])
    assert not page.find_element(By.ID, "play").is_enabled()


MEASURE = """
const [action, times, done] = arguments;
const readout = document.getElementById("readout");
const act = {
  next: () => document.getElementById("next").click(),
  key: (number) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true })),
  slider: (number) => {
    const slider = document.getElementById("time");
    slider.value = 31 * (number + 1);
    slider.dispatchEvent(new Event("input"));
  },
}[action];
const clock = document.getElementById("clock");
(async () => {
  const spent = [];
  for (let number = 0; number < times; number++) {
    const before = action === "next" ? readout.firstChild : clock.textContent;
    const begin = performance.now();
    act(number);
    const shown = () => (action === "next" ? readout.firstChild : clock.textContent);
    while (shown() === before) await new Promise((then) => setTimeout(then));
    spent.push(performance.now() - begin);
  }
  done(spent);
})();
"""


@pytest.mark.long
def test_a_thousand_flights_are_small_and_answer(open_page, tmp_path):
    """benchmarks/report.py says how soon."""
    flown = [make_result(seed, make_flight(seed, 960)) for seed in range(500)]
    others = [make_result(seed, make_flight(seed + 500, 960)) for seed in range(500)]
    address = write_report(tmp_path / "large.html", {"one": flown, "other": others})
    assert (tmp_path / "large.html").stat().st_size < 30e6
    page = open_page(f"{address}#seed=3")
    for action in ("next", "slider", "key"):
        assert len(page.execute_async_script(MEASURE, action, 25)) == 25, action


def test_limits_and_regret_are_shown_where_they_are_known(open_page, report, tmp_path):
    flown = {name: [make_result(seed, make_flight(seed + shift)) for seed in SEEDS] for name, shift in SHIFTS.items()}
    limits = {seed: 0.08 * seed for seed in SEEDS if seed != 3}
    page = open_page(write_report(tmp_path / "limits.html", flown, limits=limits))
    rows = page.execute_script(
        "return [...document.querySelectorAll('#limit-groups tr')]"
        ".map(row => [...row.children].map(one => one.innerText))"
    )
    assert rows[0][:5] == ["seeds", "number", "hopeless", "easy", "limit"]
    assert [row[:4] for row in rows[1:5]] == [
        ["all", "11", "1", "0"],
        ["hopeless, below 0.05", "1", "1", "0"],
        ["middling", "10", "0", "0"],
        ["easy, above 0.9", "0", "0", "0"],
    ]
    assert "limit 0.000" in text_of(page, "#flight-facts")
    page.execute_script(
        "const across = document.getElementById('scatter-x'); across.value = -1;"
        "across.dispatchEvent(new Event('change'))"
    )
    assert "the limit is furthest ahead" in text_of(page, "#extremes")
    assert page.execute_script("return document.getElementById('scatter-score').disabled")
    page.execute_script(
        "const order = document.getElementById('order'); order.value = 'regret';"
        "order.dispatchEvent(new Event('change')); document.getElementById('next').click()"
    )
    assert page.find_element(By.ID, "limits").is_displayed()
    page = open_page(report)
    assert not page.find_element(By.ID, "limits").is_displayed()

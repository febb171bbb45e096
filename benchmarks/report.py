"""Size and speed of a report with many flights, in Chromium without a window.

   uv run ble-eval run --agent station_seeker perciatelli44 --suite tiny_eval
   uv run benchmarks/report.py results/tiny_eval [--flights 1000]

The flights of the results are repeated with other seeds until there are so many. Times of the page are from the event
to the end of the frame that shows its effect.
"""

import argparse
import dataclasses
import itertools
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from ble_eval.report.html.page import make_page
from ble_eval.report.html.page_data import make_page_data
from ble_eval.results.sets import ResultSet, on_common_seeds, read_result_sets
from ble_eval.statistics import compare_sets

MEASURE = """
const done = arguments[0];
const slider = document.getElementById("time");
const readout = document.getElementById("readout");
const frame = () => new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
const key = (name) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
const opened = async (act) => {
  const before = readout.firstChild;
  act();
  while (readout.firstChild === before) await new Promise((then) => setTimeout(then));
};
const actions = {
  "open another seed": () => opened(() => key("n")),
  "move the slider": (number) => {
    slider.value = (37 * (number + 1)) % 900;
    slider.dispatchEvent(new Event("input"));
  },
  "press an arrow": () => key("ArrowRight"),
  "change the theme": () => document.getElementById("theme").click(),
};
(async () => {
  const times = {};
  for (const [name, act] of Object.entries(actions)) {
    times[name] = [];
    for (let number = 0; number < 30; number++) {
      const begin = performance.now();
      await act(number);
      await frame();
      times[name].push(performance.now() - begin);
    }
  }
  done(times);
})();
"""


def repeated(one: ResultSet, count: int) -> ResultSet:
    """The set with its flights repeated until there are `count` seeds."""
    flown = itertools.islice(itertools.cycle(one.results), count)
    return dataclasses.replace(one, results=[dataclasses.replace(it, seed=seed) for seed, it in enumerate(flown)])


def start_browser() -> webdriver.Chrome:
    """Chromium and its driver from the path."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    browser.set_window_size(1400, 1000)
    browser.set_script_timeout(300)
    return browser


def main() -> None:
    """Make the report, open it, and print sizes and times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results", nargs="+")
    parser.add_argument("--flights", type=int, default=1000)
    arguments = parser.parse_args()

    read = on_common_seeds(read_result_sets(arguments.results), True).sets
    sets = [repeated(one, arguments.flights // len(read)) for one in read]
    comparison = compare_sets(sets)
    begin = time.perf_counter()
    data = make_page_data(sets, comparison, title="benchmark", notes=[], max_flights=arguments.flights)
    text = make_page(data)
    print(f"{data.flights_kept} flights of {len(sets)} agents: made in {time.perf_counter() - begin:.1f} s")
    size = sum(map(len, data.flights))
    each = size / max(data.flights_kept, 1)
    print(f"{len(text) / 1e6:.1f} MB, of it flights {size / 1e6:.1f} MB, {each:.0f} bytes each")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(text, encoding="utf-8")
        browser = start_browser()
        try:
            begin = time.perf_counter()
            browser.get(f"{path.as_uri()}#seed=0")
            ready = "return document.documentElement.dataset.ready === 'yes'"
            WebDriverWait(browser, 120, 0.02).until(lambda it: it.execute_script(ready))
            print(f"opened at a flight in {time.perf_counter() - begin:.2f} s")
            for name, times in browser.execute_async_script(MEASURE).items():
                print(f"{name}: median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms")
        finally:
            browser.quit()


if __name__ == "__main__":
    main()

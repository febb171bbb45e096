"""`ble-eval report` and the text of its file. test_report_in_browser.py opens it."""

import base64
import hashlib
import json
import re
import sys

import pytest
from report_fakes import make_flight, make_result, write_report

from ble_eval.cli import main
from ble_eval.report.html import page
from ble_eval.results.files import write_results
from ble_eval.results.flight_path import FlightPath


@pytest.fixture
def results(tmp_path):
    """Two result files with the flights of six seeds."""
    paths = []
    for name, shift in (("drifter", 0), ("seeker", 100)):
        paths.append(tmp_path / f"{name}.json")
        write_results(paths[-1], [make_result(seed, make_flight(seed + shift)) for seed in range(6)])
    return [str(path) for path in paths]


def summary_of(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="summary">(.*?)</script>', text, re.DOTALL)[1])


def test_the_file_holds_statistics_and_flights(results, tmp_path, capsys):
    output = tmp_path / "report.html"
    assert main(["report", *results, "--output", str(output), "--title", "A <b>title"]) == 0
    assert "agents 2, seeds 6, flights 12" in capsys.readouterr().out
    text = output.read_text(encoding="utf-8")
    summary = summary_of(text)
    assert [agent["label"] for agent in summary["agents"]] == ["drifter", "seeker"]
    assert summary["seeds"] == ["0", "1", "2", "3", "4", "5"]
    assert [len(agent["flights"]) for agent in summary["agents"]] == [6, 6]
    assert summary["agents"][0]["difference"] is None
    assert len(summary["agents"][1]["difference"]["twr50"]["mean"]) == 3
    assert "<h1>A &lt;b&gt;title</h1>" in text


def test_equal_results_give_equal_files(results, tmp_path):
    texts = []
    for name in ("one.html", "two.html"):
        main(["report", *results, "--output", str(tmp_path / name)])
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


def test_the_policy_allows_the_scripts_of_the_page_and_nothing_else(results, tmp_path):
    output = tmp_path / "report.html"
    main(["report", *results, "--output", str(output)])
    text = output.read_text(encoding="utf-8")
    program = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(program) == 1
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    digest = base64.b64encode(hashlib.sha256(program[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    scripts = re.search(r"script-src (.*?);", policy)[1]
    assert "unsafe" not in scripts and len(scripts.split()) == 2
    assert not re.search(r'(src|href)="(https?:)?//', text)


def test_names_cannot_end_the_script_that_holds_them(tmp_path):
    name = "</script><script>alert(1)</script>"
    write_report(tmp_path / "report.html", {name: [make_result(0, FlightPath())]})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert name not in text
    assert summary_of(text)["agents"][0]["label"] == name


def test_the_number_of_flights_is_limited_by_whole_seeds(results, tmp_path, capsys):
    output = tmp_path / "report.html"
    main(["report", *results, "--output", str(output), "--max-flights", "5"])
    assert "the first seeds, 4 in all, and leaves out 8" in capsys.readouterr().out
    summary = summary_of(output.read_text(encoding="utf-8"))
    assert [sorted(agent["flights"]) for agent in summary["agents"]] == [["0", "1"], ["0", "1"]]


def test_results_without_paths_are_named(tmp_path, capsys):
    write_results(tmp_path / "short.json", [make_result(seed, FlightPath()) for seed in range(3)])
    assert main(["report", str(tmp_path / "short.json"), "--output", str(tmp_path / "report.html")]) == 0
    printed = capsys.readouterr().out
    assert "short" in printed and "--no-flight-paths" in printed


def test_seeds_keep_all_their_digits(tmp_path):
    write_report(tmp_path / "report.html", {"one": [make_result(2**64 - 1, FlightPath())]})
    assert summary_of((tmp_path / "report.html").read_text(encoding="utf-8"))["seeds"] == [str(2**64 - 1)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "report.pdf"], "give a file whose name ends in .html"),
        (["--max-flights", "-1"], "--max-flights is -1"),
        (["--baseline", "nobody"], "nobody"),
        (["there_is_no.json"], "there_is_no.json"),
    ],
)
def test_mistakes_take_one_line_and_write_nothing(results, tmp_path, capsys, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *results, *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*.html"))


def test_without_plotly_the_extra_is_named(results, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    page.plotly_program.cache_clear()
    assert main(["report", *results, "--output", str(tmp_path / "report.html")]) == 2
    assert "ble-eval[report]" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_every_script_of_the_page_is_used():
    folder = page.resources.files("ble_eval.report.html")
    assert sorted(page.SCRIPTS) == sorted(file.name for file in folder.iterdir() if file.name.endswith(".js"))

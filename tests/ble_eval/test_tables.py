import re
import shutil
import subprocess

import pytest

from ble_eval.report.tables import (
    Table,
    comparison_tables,
    conclusions,
    estimate_text,
    figures,
    in_latex,
    in_markdown,
    in_text,
)
from ble_eval.results.sets import ResultSet
from ble_eval.statistics import Estimate, compare_sets

HOSTILE = r"a|b_50% $x$ & #1 {c} \d ~e ^f <g>"

TABLE = Table(
    "Scores of 3_4",
    ["agent", "TWR50 mean"],
    [[HOSTILE, "-0.338 [-0.400, 0.359]"], ["flyer", "0.5"]],
    "95 % intervals.",
)


@pytest.fixture
def comparison(make_result):
    def results(share, **changes):
        failed = make_result(7, time_within_radius=0.5, final_timestep=240, out_of_power=True)
        flown = [make_result(seed, time_within_radius=share + 0.01 * (seed % 3), **changes) for seed in range(7)]
        return [*flown, failed]

    shares = {"base": 0.2, "better": 0.6, "same": 0.2}
    return compare_sets([ResultSet(label, None, results(share), None) for label, share in shares.items()])


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (None, "-"),
        (Estimate(0.5, None), "0.500"),
        (Estimate(0.3381, (0.3196, 0.3589)), "0.338 [0.320, 0.359]"),
        (Estimate(-0.0004, (-0.01, 0.01)), "0.000 [-0.010, 0.010]"),
    ],
)
def test_estimates_as_text(estimate, text):
    assert estimate_text(estimate, 3) == text


def test_the_tables_of_a_comparison(comparison):
    tables = comparison_tables(comparison)
    assert list(tables) == ["twr50", "reward", "differences", "seeds", "failures", "strata", "profiles"]
    for table in tables.values():
        assert all(len(row) == len(table.columns) for row in table.rows), table.title
    scores = dict(zip(tables["twr50"].columns, tables["twr50"].rows[0], strict=True))
    mean, whole = ((7 * 0.2 + 0.06 + share) / 8 for share in (0.5, 0.5 / 4))
    assert scores["mean"].startswith(f"{mean:.3f} [")
    assert scores["mean of 960 steps"].startswith(f"{whole:.3f} [")
    better = dict(zip(tables["differences"].columns, tables["differences"].rows[0], strict=True))
    assert better["mean difference"].startswith("0.3500 [")
    assert better["P(larger)"].startswith("0.938 [")  # 7 of 8, and half of the eighth.
    assert better["p"] == f"{2 / 2**7:.3f}"
    same = dict(zip(tables["differences"].columns, tables["differences"].rows[2], strict=True))
    assert (same["agent"], same["mean difference"], same["p"]) == ("same", "0.0000 [0.0000, 0.0000]", "1.000")
    assert tables["seeds"].rows[1] == ["same", "2", tables["seeds"].rows[1][2]]
    assert [row[:3] for row in tables["failures"].rows[:2]] == [["base", "out of power", "1"], ["base", "none", "7"]]
    assert [row[0] for row in tables["strata"].rows[::3]] == list(comparison.strata)
    assert tables["profiles"].rows[3][:2] == ["0.3", "0.125 [0.000, 0.375]"]


def test_a_single_agent_has_no_differences(make_result):
    comparison = compare_sets([ResultSet("one", None, [make_result(3)], None)])
    tables = comparison_tables(comparison)
    assert list(tables) == ["twr50", "reward", "failures", "strata", "profiles"]
    assert tables["twr50"].title == "TWR50, 1 seed"
    assert conclusions(comparison) == []


def test_conclusions_name_the_direction_or_say_that_none_is_seen(comparison):
    better, same = conclusions(comparison)
    assert re.fullmatch(r"better has a larger TWR50 than base: 0\.3500 \[0\.\d+, 0\.\d+\], p = 0\.0\d+\.", better)
    assert same == "same and base do not differ visibly in TWR50: 0.0000 [0.0000, 0.0000], p = 1.000."


def test_every_figure_is_a_row(comparison):
    rows = list(figures(comparison))
    keys = [(row["agent"], row["baseline"], row["group"], row["figure"], row["statistic"]) for row in rows]
    assert len(set(keys)) == len(keys)
    found = {key: row["value"] for key, row in zip(keys, rows, strict=True)}
    assert found["base", "", "failure: out_of_power", "episodes", "number"] == 1
    assert found["base", "", "all", "twr50 > 0.30", "share"] == pytest.approx(0.125)
    assert found["better", "base", "all", "twr50", "mean"] == pytest.approx(0.35)
    assert found["better", "base", "all", "twr50", "p"] == pytest.approx(2 / 2**7)
    assert found["better", "base", "hardest", "reward", "mean"] == 0.0


def test_text_breaks_cells_only_where_it_is_too_wide():
    lines = in_text([TABLE], 200).splitlines()
    assert lines[0] == "Scores of 3_4"
    assert lines[3] == f"{HOSTILE}  -0.338 [-0.400, 0.359]"
    assert lines[4].endswith("  0.5")
    assert lines[-1] == "95 % intervals."
    narrow = in_text([TABLE], 40).splitlines()
    assert narrow[1:3] == [f"{'':35}{'TWR50':>15}", f"{'agent':35}{'mean':>15}"]
    assert narrow[4:6] == [f"{HOSTILE:35}{'-0.338':>15}", f"{'':35}{'[-0.400, 0.359]':>15}"]


def test_markdown_escapes_what_would_end_a_cell():
    lines = in_markdown([TABLE]).splitlines()
    assert lines[2:4] == ["| agent | TWR50 mean |", "|---|---:|"]
    assert lines[4].startswith(r"| a\|b_50%")
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines[2:6]] == [3] * 4


def test_latex_escapes_what_it_reads_as_commands():
    text = in_latex([TABLE])
    assert r"\caption{Scores of 3\_4. 95 \% intervals.}" in text
    assert r"\begin{tabular}{lr}" in text
    assert r"$-$0.338 [$-$0.400, 0.359] \\" in text
    assert (
        r"a\textbar{}b\_50\% \$x\$ \& \#1 \{c\} \textbackslash{}d \textasciitilde{}e \textasciicircum{}f "
        r"\textless{}g\textgreater{} &"
    ) in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs LaTeX")
def test_latex_compiles(tmp_path, comparison):
    body = in_latex([TABLE, *comparison_tables(comparison).values()])
    page = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "page.tex").write_text(page)
    subprocess.run(["pdflatex", "-halt-on-error", "page.tex"], cwd=tmp_path, check=True, capture_output=True)

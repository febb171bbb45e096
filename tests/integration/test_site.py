"""The site: its side bar and its reference are complete, it is built without a warning, and it opens from the disk."""

import inspect
import pydoc
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import site_pages
import site_reference
from pages import PAGES, ROOT
from report_fakes import browser_programs, start_browser
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.inventory import InventoryFile

import ble_eval.cli
import ble_train.cli

DOCS = ROOT / "docs"
ADDRESS = "https://example.org/balloon/blob/main"


def test_the_side_bar_has_every_page():
    bar = site_pages.side_bar((DOCS / "index.md").read_text(encoding="utf-8"))
    listed = re.findall(r"<(.+)>$", bar, re.MULTILINE)
    docnames = [page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES if page.is_relative_to(DOCS)]
    assert sorted(listed) == sorted(set(docnames) - {"index"})


@pytest.mark.parametrize("program", [ble_eval.cli.PROGRAM, ble_train.cli.PROGRAM], ids=lambda program: program.name)
def test_the_page_of_commands_has_every_verb(program):
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{program.name} (\S+)` \| (.*?) \|", page, re.MULTILINE)
    assert rows == [(verb.name, verb.summary) for verb in program.verbs]


def test_the_reference_has_every_public_name():
    """Each in the table of every package that exports it, and described once in all pages."""
    described = []
    for package in site_reference.PACKAGES:
        text = site_reference.reference(package)
        names = list(site_reference.public_names(package))
        described += re.findall(r"^\.\. [\w:]+:: (\S+)$", text, re.MULTILINE)
        assert len(names) > 10
        for public in names:
            assert f"{public.name}`" in text, public.dotted
            assert any(dotted.endswith(f".{public.name}") for dotted in described), public.dotted
    assert len(set(described)) == len(described)
    values = [pydoc.locate(dotted) for dotted in described]
    classes = [value for value in values if inspect.isclass(value) or inspect.isfunction(value)]
    assert len(set(classes)) == len(classes)


@pytest.mark.parametrize("package", site_reference.PACKAGES)
def test_sphinx_can_read_every_module(package):
    """Which modules the reference looks into depends on what is imported so far: all must be readable."""
    modules = sorted((ROOT / "packages" / package.replace("_", "-") / "src").rglob("*.py"))
    assert len(modules) > 5
    for module in modules:
        ModuleAnalyzer.for_file(module, module.stem).find_attr_docs()


def site_links(text: str, page: Path, repository: str) -> str:
    return site_pages.LINK.sub(lambda link: site_pages.site_link(page, link, repository), text)


def test_links_out_of_the_pages_lead_into_the_site_or_the_repository():
    page = DOCS / "results" / "benchmark.md"
    for text, without, there in (
        ("[x](../speed.md#batches)", "[x](../speed.md#batches)", None),
        ("[x](../../README.md#install-a-package)", "[x](../index.md)", None),
        ("[x](../../packages/ble-eval/README.md#merge)", "[x](../packages/ble-eval.md#merge)", None),
        ("[x](../../packages/ble-eval)", "[x](../packages/ble-eval.md)", None),
        ("![x](../images/report-dark.png)", "![x](../images/report-dark.png)", None),
        ("[x](https://example.org)", "[x](https://example.org)", None),
        ("[x](#by-stratum)", "[x](#by-stratum)", None),
        ("[x](nowhere.md)", "[x](nowhere.md)", None),
        ("[LICENSE](../../LICENSE)", "`LICENSE`", f"[LICENSE]({ADDRESS}/LICENSE)"),
        ("[the licence](../../LICENSE)", "the licence (`LICENSE`)", f"[the licence]({ADDRESS}/LICENSE)"),
    ):
        assert site_links(text, page, "") == without
        assert site_links(text, page, f"{ADDRESS}/") == (there or without)


def test_the_readme_of_a_package_is_a_page_of_the_site():
    page = DOCS / "packages" / "ble-eval.md"
    assert "## Suites" in site_pages.site_text(page, "")
    assert site_links("[x](../../docs/clusters.md#ray)", page, "") == "[x](../clusters.md#ray)"
    assert site_links("[x](../ble-sim/README.md)", page, "") == "[x](ble-sim.md)"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as .ci/run builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.long
def test_every_public_name_has_an_address(site):
    objects = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    documented = {name for kind, found in objects.items() if kind.startswith("py:") for name in found}
    described: dict[tuple[str, int], str] = {}
    for package in site_reference.PACKAGES:
        for public in site_reference.public_names(package):
            assert described.setdefault(public.key, public.dotted) in documented


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    if browser_programs() is None:
        pytest.skip("needs Chromium and its driver")
    browser = start_browser()
    yield browser
    browser.quit()


@pytest.mark.long
def test_pages_ask_for_nothing_but_files_of_the_site(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"', text), page
    assert not [style for style in site.rglob("*.css") if re.search(r"url\([\"']?https?:", style.read_text("utf-8"))]


@pytest.mark.long
def test_pages_open_from_the_disk(site, browser):
    for page in ("index.html", "concepts/physics.html", "api/ble_env.html", "packages/ble-eval.html"):
        browser.get((site / page).as_uri())
        assert browser.find_element(By.CSS_SELECTOR, "article h1").is_displayed()
    assert not browser.get_log("browser")


@pytest.mark.long
def test_the_search_works_from_the_disk(site, browser):
    browser.get((site / "search.html").as_uri() + "?q=superpressure")
    WebDriverWait(browser, 30).until(lambda page: page.find_elements(By.CSS_SELECTOR, "#search-results li a"))
    WebDriverWait(browser, 30).until(lambda page: "found" in page.find_element(By.ID, "search-results").text)
    links = browser.find_elements(By.CSS_SELECTOR, "#search-results li a")
    titles = [link.text for link in links]
    assert any("Physics" in title for title in titles), titles
    links[0].click()
    assert "superpressure" in browser.page_source
    assert not browser.get_log("browser")

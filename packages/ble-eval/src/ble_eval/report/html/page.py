"""The HTML file of a report, put together from its templates."""

import base64
import functools
import hashlib
import html
import re
import zlib
from importlib import resources

from ble_eval.errors import UserError
from ble_eval.report.html.page_data import PageData

SCRIPTS = ("flights.js", "charts.js", "scatter.js", "tables.js", "player.js", "map.js", "strips.js", "app.js")
"""The program of the page, in the order in which the browser reads it."""


def make_page(data: PageData) -> str:
    """The whole file.

    A policy in its head lets the browser run these scripts alone, by their digests, and lets nothing reach a network.

    Raises:
        UserError: plotly is not installed.
    """
    plotly = plotly_program()
    program = '"use strict";\n(() => {\n' + "".join(map(_template, SCRIPTS)) + "})();\n"
    values = {
        "title": html.escape(data.title),
        "digests": f"{_digest(program)} {_digest(plotly)}",
        "style": _template("style.css"),
        "summary": data.summary_json(),
        "flights": "\n".join(
            f'<script type="text/plain" id="flights-{number}">{text}</script>'
            for number, text in enumerate(data.flights)
        ),
        "plotly": base64.b64encode(zlib.compress(plotly.encode(), 9)).decode("ascii"),
        "program": program,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], _template("page.html"))


def _template(name: str) -> str:
    return resources.files("ble_eval.report.html").joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """As a content security policy names a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"


@functools.cache
def plotly_program() -> str:
    """The plotting library as it runs in the browser.

    Raises:
        UserError: it is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise UserError("The report needs plotly: install ble-eval[report].") from None
    return get_plotlyjs()

"""Equations as MathML, made while the site is built: browsers draw it without a script."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)


def mathml(tex: str, *, display: str) -> str:
    """The equation; of LaTeX's environments for several lines those without numbers are meant."""
    tex = re.sub(r"\{align(ed)?\}", "{align*}", tex)
    tex = re.sub(r"(?<=[\w})])\s*(?=\\(exp|log|ln|sin|cos|tan)\b)", r"\\,", tex)  # Browsers set no space there.
    converted = convert(tex, display=display)
    if "<mi>&</mi>" in converted or re.search(r"<m[io]>\\", converted):
        LOGGER.warning("LaTeX that does not become MathML: %s", tex)
    return converted


def visit_inline(writer: Any, node: nodes.math) -> None:
    """Write an equation within a sentence."""
    writer.body.append(mathml(node.astext(), display="inline"))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    """Write an equation of its own."""
    writer.body.append(f'<div class="math">{mathml(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

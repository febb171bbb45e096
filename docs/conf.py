"""The documentation as a site: `uv run sphinx-build -W --keep-going -b html docs build/docs`.

The pages are plain Markdown that also reads well in the repository; `_sphinx` has what makes a site of them. Nothing is
fetched, neither while the site is built nor while it is read.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_sphinx"))

project = "Balloon Learning Environment"
author = "the authors of this implementation"
copyright = ""
html_title = project
html_show_copyright = False
html_show_sphinx = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "site_pages",
    "site_reference",
    "site_mathml",
]
root_doc = "index"
exclude_patterns = ["_sphinx", "_static"]

repository = os.environ.get("BLE_REPOSITORY", "")
"""Address of the repository's files, https://HOST/OWNER/NAME/blob/main. Without it links to files become names."""

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
viewcode_line_numbers = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_search_summary = False  # A summary is fetched, which browsers refuse for files. Results come without it.
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

"""Pages of the repository as pages of the site.

- A link that leaves `docs` leads to the page of the site that shows the same, or into the repository at the address
  `repository` of conf.py; without an address it becomes the name of the file.
- `packages/NAME.md` is the README of the package.
- The side bar has the groups and pages of the lists in index.md.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def source_of(page: Path) -> Path:
    """The file whose text the page of the site shows."""
    return ROOT / "packages" / page.stem / "README.md" if page.parent == DOCS / "packages" else page


def page_of(file: Path) -> Path | None:
    """The page of the site that shows a file or folder of the repository, if one does."""
    package = file.parent if file.name == "README.md" else file
    if package.parent == ROOT / "packages":
        return DOCS / "packages" / f"{package.name}.md"
    if file == ROOT / "README.md":
        return DOCS / "index.md"
    return file if file.is_file() and file.is_relative_to(DOCS) else None


def site_link(page: Path, link: re.Match[str], repository: str) -> str:
    """The link of a page, `[text](target)`, as it is on the site."""
    image, text, target = link.groups()
    name, _, anchor = target.partition("#")
    if "://" in target or not name:
        return link[0]
    file = (source_of(page).parent / name).resolve()
    if not file.exists():
        return link[0]  # The build warns.
    shown = page_of(file)
    if shown is not None:
        kept = f"#{anchor}" if anchor and shown != DOCS / "index.md" else ""
        return f"{image}[{text}]({os.path.relpath(shown, page.parent)}{kept})"
    path = file.relative_to(ROOT).as_posix()
    if repository:
        return f"[{text}]({repository.rstrip('/')}/{path})"
    label = text.strip("`")
    return f"`{label}`" if path.endswith(label.rstrip("/")) else f"{text} (`{path}`)"


def site_text(page: Path, repository: str) -> str:
    """What the page of the site is made of."""
    parts = FENCED.split(source_of(page).read_text(encoding="utf-8"))
    for place in range(0, len(parts), 2):
        parts[place] = LINK.sub(lambda link: site_link(page, link, repository), parts[place])
    return "".join(parts)


def side_bar(index: str) -> str:
    """The tables of contents for the lists of links in index.md, a group for each heading of second rank."""
    groups = []
    for section in index.split("\n## ")[1:]:
        caption, _, body = section.partition("\n")
        pages = re.findall(r"^ *- \[([^\]]+)\]\(([^)#:]+)\.md\)", body, re.MULTILINE)
        entries = "".join(f"{title} <{page}>\n" for title, page in pages)
        groups.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}```\n")
    return "\n".join(groups)


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the text of a page by what the site shows."""
    page = Path(app.env.doc2path(docname))
    app.env.note_dependency(str(source_of(page)))
    text = site_text(page, app.config.repository)
    source[0] = f"{text}\n{side_bar(text)}" if docname == "index" else text


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("repository", "", "env")
    app.connect("source-read", read_source, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

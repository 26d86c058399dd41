"""What the built pages have beside their own words: how long they ran, notebooks to take away, and no needless weight.

A Sphinx extension, and `python -m reversible.book.pages FOLDER`, which writes the chapters as notebooks in the smoke
profile for a service such as Binder.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from reversible.base.files import write_atomically
from reversible.book.chapter import DOWNLOADS, RUNTIME
from reversible.book.execute import chapters, executed
from reversible.records.record import book_folder
from reversible.show.html import duration, escape
from reversible.show.vega import VEGA, vega_script

NOTEBOOKS = "notebooks"  # their folder in the built site, and beside the book on Binder
PAGES_BRANCH = "gh-pages"  # where the built site is published, and where Colab finds the notebooks
# The theme brings Font Awesome twice; its style sheet and one font draw every icon of this book.
NEEDLESS = re.compile(
    r'<script src="[^"]*fontawesome[^"]*"></script>|<link rel="preload"[^>]*fa-(brands|regular)[^>]*>'
)
# The arrow that opens the pages below one in the sidebar has no words.
UNNAMED = ('<summary><span class="toctree-toggle"', '<summary aria-label="Pages below"><span class="toctree-toggle"')
NO_LIST = ('<div role="list" class="citation-list">', '<div class="citation-list">')  # its children are no list items
NEEDS = """\
This notebook is a chapter of *{title}*. It runs in a checkout of the project, which brings the library and the stored \
records: {get}, then `make book` makes the environment `.venv`. Start Jupyter from that environment and put the \
notebook into the folder `book`."""
FETCH = """\
import sys

if "google.colab" in sys.modules:  # elsewhere the project is there already
    !git clone -q --depth 1 {address} reversible
    %pip install -q "./reversible[book]"
    %cd reversible/book"""
NEEDLESS_FILES = ("_static/**/*.map", "_static/vendor/fontawesome/*/js/*")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_directive("repository", Repository)
    app.connect("html-page-context", fill)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Repository(SphinxDirective):
    """How to get the project: lines for a terminal where `_config.yml` has its address, else in words."""

    def run(self) -> list[Any]:
        address = self.config.html_theme_options.get("repository_url", "")
        lines = how_to_get(address)
        return [nodes.literal_block(lines, lines, language="text") if address else nodes.paragraph(text=lines)]


def how_to_get(address: str) -> str:
    """
    >>> how_to_get("https://github.com/some-one/reversible.git").splitlines()[-1]
    'cd reversible'
    """
    if not address:
        return "Open a terminal in your checkout of the project."
    return f"git clone {address}\ncd {address.rstrip('/').removesuffix('.git').rpartition('/')[2]}"


def fill(app: Any, name: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Write the page's own running time and its links into the places that `Chapter` left for them."""
    from myst_nb.sphinx_ import NbMetadataCollector

    body = context.get("body", "")
    if RUNTIME in body:
        seconds = (NbMetadataCollector.get_exec_data(app.env, name) or {}).get("runtime")
        took = f"This page took {duration(seconds)} to run when the book was built." if seconds else ""
        body = body.replace(RUNTIME, RUNTIME.replace("></", f">{took}</"))
    if DOWNLOADS in body:
        theme = app.config.html_theme_options
        links = downloads(name, theme.get("repository_url", ""), theme.get("repository_branch", "main"))
        body = body.replace(DOWNLOADS, DOWNLOADS.replace("></", f">{links}</"))
    context["body"] = body


def downloads(name: str, address: str, branch: str) -> str:
    """Links to the notebook, and to Colab and Binder where the project has an address on GitHub."""
    links = [f"<a href='{NOTEBOOKS}/{name}.ipynb' download>Download this notebook</a>"]
    if place := re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", address):
        colab = (
            f"https://colab.research.google.com/github/{place[1]}/blob/{PAGES_BRANCH}/{NOTEBOOKS}/smoke/{name}.ipynb"
        )
        binder = f"https://mybinder.org/v2/gh/{place[1]}/{branch}?urlpath=lab/tree/{NOTEBOOKS}/{name}.ipynb"
        links += [f"<a href='{colab}'>Open in Colab</a>", f"<a href='{binder}'>Open in Binder</a>"]
    return " · ".join(links)


def finish(app: Any, error: Exception | None) -> None:
    """The notebooks as they ran, the smoke ones, and pages without what they do not need."""
    if error is not None or app.builder.format != "html":
        return
    import nbformat

    book, site = Path(app.srcdir), Path(app.outdir)
    theme = app.config.html_theme_options
    (site / NOTEBOOKS).mkdir(exist_ok=True)
    address = theme.get("repository_url", "")
    for name in chapters(book):
        notebook = executed(book, name)
        notebook.cells.insert(0, needs(app.config.html_title or app.config.project, address))
        write_atomically(site / NOTEBOOKS / f"{name}.ipynb", nbformat.writes(notebook))
    smoke_notebooks(book, site / NOTEBOOKS / "smoke", address)
    terms = glossary(site)
    for page in site.rglob("*.html"):
        text = with_definitions(page.read_text(encoding="utf-8"), terms)
        if f"_static/{VEGA}" in text and not (site / "_static" / VEGA).is_file():
            write_atomically(site / "_static" / VEGA, vega_script())
        write_atomically(page, NEEDLESS.sub("", text).replace(*NO_LIST).replace(*UNNAMED))
    for pattern in NEEDLESS_FILES:
        for file in site.glob(pattern):
            file.unlink()


def glossary(site: Path) -> dict[str, str]:
    """The terms of the built glossary, by their places on its page: what each means, without tags."""
    page = site / "glossary.html"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    found = re.findall(r'<dt id="(term-[^"]+)">.*?</dt>\s*<dd>(.*?)</dd>', text, re.S)
    return {place: " ".join(html.unescape(re.sub(r"<[^>]*>", "", meaning)).split()) for place, meaning in found}


def with_definitions(text: str, terms: dict[str, str]) -> str:
    """A page whose links into the glossary carry what the term means, which the style sheet shows beside them."""

    def carry(link: re.Match[str]) -> str:
        meaning = terms.get(link[2])
        return f'{link[1]} data-rv-term="{escape(meaning)}">' if meaning else link[0]

    return re.sub(r'(<a class="reference internal" href="(?:glossary\.html)?#(term-[^"]+)")>', carry, text)


def needs(title: str, address: str) -> Any:
    """The cell that a downloaded notebook begins with: what it needs."""
    import nbformat

    get = f"`git clone {address}`" if address else "copy or clone the project"
    return nbformat.v4.new_markdown_cell(NEEDS.format(title=title, get=get), id="needs")


def smoke_notebooks(book: Path, folder: Path, address: str = "") -> None:
    """Every chapter as a notebook in the smoke profile; on Colab each first fetches the project from `address`."""
    import jupytext
    import nbformat

    folder.mkdir(parents=True, exist_ok=True)
    for name in chapters(book):
        notebook = jupytext.read(book / f"{name}.md", fmt="md:myst")
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", []):
                cell.source = re.sub(r'profile = "\w+"', 'profile = "smoke"', cell.source)
        if address:
            notebook.cells.insert(0, nbformat.v4.new_code_cell(FETCH.format(address=address)))
        write_atomically(folder / f"{name}.ipynb", jupytext.writes(notebook, fmt="ipynb"))


def main(words: list[str]) -> int:
    """`python -m reversible.book.pages FOLDER`"""
    if len(words) != 1:
        print(f"reversible.book.pages takes one folder, not {' '.join(words) or 'nothing'}", file=sys.stderr)
        return 2
    try:
        smoke_notebooks(book_folder(), Path(words[0]))
    except OSError as error:
        print(f"FOLDER must be a folder that can be written, not {words[0]}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the reference pages show of the library: a Sphinx extension for its rooms and their docstrings.

Docstrings here are plain text with formulas such as ||h||_inf or relu(W^T x + b). The extension makes of them, for
autodoc, reStructuredText that says the same, and adds what stands in comments: fields of dataclasses and constants.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import operator
import re
import sys
import textwrap
import tokenize
from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from reversible import ROOMS
from reversible.book import rooms

ON_PAGES = tuple(room for room in ROOMS if room not in ("show", "cli", "book"))  # those make pages and commands

# --- the command line -------------------------------------------------------------------------------------------------


# --- records and data -------------------------------------------------------------------------------------------------


# --- the library ------------------------------------------------------------------------------------------------------


def setup(app: Any) -> dict[str, bool]:
    """The Sphinx extension: `automodule` with this project's docstrings."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("room", Room)
    app.add_directive("rooms", Rooms)
    app.connect("config-inited", _settings)
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _left_out)
    app.connect("doctree-read", _exact_types)
    app.connect("warn-missing-reference", _no_page_for_types)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Room(SphinxDirective):
    """`.. room:: NAME`: every module of a room of the library, each under a heading of its own."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        if (room := self.arguments[0]) not in ROOMS:
            raise self.error(f"room must be one of {', '.join(ROOMS)}, not {room!r}")
        lines: list[str] = []
        for module in rooms.shown_of(room):
            title = f"``{module.removeprefix('reversible.')}``"
            lines += [title, "-" * len(title), "", f".. automodule:: {module}", "   :members:", ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


class Rooms(SphinxDirective):
    """`.. rooms::`: the rooms that have a page, with what is in them, a line each."""

    def run(self) -> list[nodes.Node]:
        lines = [f":doc:`{room} <library-{room}>`\n   {words_of_room(room)}\n" for room in ON_PAGES]
        return self.parse_text_to_nodes("\n".join(lines))


def words_of_room(room: str) -> str:
    """What is in a room, as reStructuredText."""
    words = rooms.words_of(f"reversible.{room}")
    return rest([words if words.endswith("?") else f"{words}."])[0]


def _settings(_: Any, config: Any) -> None:
    config.add_module_names = False  # the room is the heading above
    config.toc_object_entries = False  # rooms alone in the margin: there are hundreds of names
    config.autodoc_member_order = "bysource"


def _docstring(_: Any, what: str, name: str, thing: Any, _options: Any, lines: list[str]) -> None:
    """In place: the lines of a docstring as reStructuredText, and what comments say of fields and constants."""
    if name.split(".")[0] != "reversible":
        return
    if dataclasses.is_dataclass(thing) and lines and lines[0].startswith(f"{name.split('.')[-1]}("):
        lines[:] = []  # dataclass's own words, where a class has none
    lines[:] = rest(lines)
    if what == "module":
        lines += _listed((_shown(name, getattr(thing, name)), says) for name, says in constants(thing).items())
    if dataclasses.is_dataclass(thing) and isinstance(thing, type):
        lines += _listed((f"{field}: {kind}", says) for field, kind, says in fields(thing))


def _signature(_: Any, what: str, _name: str, thing: Any, _options: Any, _signature: str, _returns: str) -> Any:
    """Arguments and what is returned as the source has them, aliases such as Array unopened; of fields the names."""
    if dataclasses.is_dataclass(thing) and isinstance(thing, type):
        asked, nothing = inspect.signature(thing), inspect.Parameter.empty
        names = [parameter.replace(annotation=nothing, default=nothing) for parameter in asked.parameters.values()]
        return str(asked.replace(parameters=names, return_annotation=nothing)), None
    whole: Any = thing
    function = inspect.unwrap(whole.__init__ if what in ("class", "exception") else whole)
    if not inspect.isroutine(function) or not hasattr(function, "__code__"):
        return None
    node: Any = _parsed(function).body[0]
    own = node.args.posonlyargs + node.args.args
    if own and own[0].arg in ("self", "cls"):
        (node.args.posonlyargs or node.args.args).pop(0)
    returns = ast.unparse(node.returns) if node.returns and what in ("function", "method") else None
    return f"({ast.unparse(node.args)})", returns


def _left_out(app: Any, what: str, name: str, thing: Any, _skip: bool, _options: Any) -> bool | None:
    """Private names as ever. Of the others functions and classes are in, all of them, where they are at home."""
    if name.startswith("_"):
        return None
    at_home = what != "module" or getattr(thing, "__module__", "") == app.env.temp_data.get("autodoc:module")
    return not at_home or not (isinstance(thing, type | property) or inspect.isroutine(inspect.unwrap(thing)))


def _exact_types(_: Any, doctree: Any) -> None:
    """A type in a signature leads to the very class that its module means; Sphinx would look for any of that name."""
    from sphinx.addnodes import pending_xref

    for node in doctree.findall(pending_xref):
        if _of_signature(node) and node.attributes.pop("refspecific", False):
            try:
                thing = operator.attrgetter(node["reftarget"])(sys.modules[node["py:module"]])
            except (AttributeError, KeyError):  # of another library
                continue
            node["reftarget"] = f"{thing.__module__}.{thing.__qualname__}" if isinstance(thing, type) else ""


def _no_page_for_types(_: Any, _domain: Any, node: Any) -> bool | None:
    """Types in signatures need no page of their own; names that a page links to do, and stay errors."""
    return _of_signature(node) or None


def _of_signature(node: Any) -> bool:
    return node.get("refdomain") == "py" and "refwarn" not in node


def _parsed(thing: Any) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(thing)))


MARK = re.compile(r"`[^`]+`|\*\*[^*]+\*\*|(?<![\w*])\*\w[\w ]*\*(?![\w*])|[\\*`|_]")


def rest(lines: list[str]) -> list[str]:
    """A docstring of this project as reStructuredText: names in backticks, emphasis, lists, examples and formulas.

    >>> rest(["The law of `y` for ||h||_2 and *small* n.", "", "    y = W^T x"])[:4]
    ['The law of ``y`` for \\\\|\\\\|h\\\\|\\\\|\\\\_2 and *small* n.', '', '.. code-block:: text', '']
    """
    shown: list[str] = []
    for block in "\n".join(lines).split("\n\n"):
        inside = block.strip("\n").split("\n")
        if inside[0].lstrip().startswith(">>>"):
            shown += inside
        elif all(line.startswith("    ") for line in inside):
            shown += [".. code-block:: text", "", *inside]
        else:
            listed = re.match(r"(\d+\.|-) ", inside[0])
            shown += [_marked(line if listed else line.strip()) for line in inside]
        shown.append("")
    return shown


def _marked(line: str) -> str:
    def shown(match: re.Match[str]) -> str:
        text = match[0]
        return f"\\{text}" if len(text) == 1 else f"`{text}`" if text[0] == "`" else text

    return MARK.sub(shown, line)


def _listed(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Names in code with what is said of them, as a list; of a formula no mark is taken for one of reStructuredText."""
    lines = [f"- ``{name}``" + (f" {_marked(says)}" if says else "") for name, says in pairs]
    return ["", *lines, ""] if lines else []


def _comments(source: str) -> dict[int, str]:
    """The comments of a piece of source by line, headings of its parts left out."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    return {line: says for line, says in found.items() if not says.startswith(("---", "fmt:", "pyright:"))}


def fields(of: type) -> list[tuple[str, str, str]]:
    """The fields of a dataclass in order: name, type and default as the source has them, and its comment.

    A comment stands in the field's own lines, and goes on in lines of its own below them.
    """
    source = textwrap.dedent(inspect.getsource(of))
    comments, found = _comments(source), []
    for node in _class_of(source).body:
        if not isinstance(node, ast.AnnAssign):
            continue
        last = node.end_lineno or node.lineno
        while last in comments and last + 1 in comments and source.splitlines()[last].lstrip().startswith("#"):
            last += 1
        says = " ".join(comments[line] for line in range(node.lineno, last + 1) if line in comments)
        default = f" = {ast.unparse(node.value)}" if node.value else ""
        found.append((ast.unparse(node.target), ast.unparse(node.annotation) + default, says))
    return found


def _class_of(source: str) -> ast.ClassDef:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    return node


def constants(module: Any) -> dict[str, str]:
    """The public names that a module assigns, but for its alias Array, each with its comment or its docstring.

    A comment stands in the first line or the last one, or in lines of its own above.
    """
    source = inspect.getsource(module)
    comments, found = _comments(source), {}
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", ast.Pass())]
        names = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        above = node.lineno
        while above - 1 in comments and source.splitlines()[above - 2].startswith("#"):
            above -= 1
        over = " ".join(comments[line] for line in range(above, node.lineno))
        beside = comments.get(node.lineno) or comments.get(node.end_lineno or 0) or over
        found |= {name: _own_words(module, name) or beside for name in names if not name.startswith("_")}
    found.pop("Array", None)
    return found


def _own_words(module: Any, name: str) -> str:
    """What the docstring of a private class says first, where the name is an object of it: a distribution, say."""
    kind = type(getattr(module, name))
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()) if kind.__module__ == module.__name__ else ""


def _shown(name: str, value: object) -> str:
    """A constant with its value where that is short, or with its keys."""
    if isinstance(value, int | float | str | tuple) and len(repr(value)) <= 60:
        return f"{name} = {value!r}"
    names = [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []
    return f"{name}: {', '.join(names)}" if names else name

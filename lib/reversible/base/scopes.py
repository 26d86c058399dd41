"""Python's rules of scopes: which names a piece of code binds where it stands, and which of them are imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Name = tuple[str, ...]  # a full dotted name, such as ("numpy", "linalg", "norm")
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
OPENING = (*FUNCTIONS, ast.Lambda, ast.ClassDef)  # what opens a scope of its own


@dataclass
class Scope:
    """The names of a module, a function, a class or a comprehension, and what stands around it."""

    kind: str  # module, function, class or comprehension
    names: dict[str, Name | None]  # bound here -> what is imported by that name and bound by nothing else
    module: Name
    parent: Scope | None = None
    is_global: set[str] = field(default_factory=set)


def origins(found: Iterable[tuple[str, Name | None]]) -> dict[str, Name | None]:
    """The bound names; with the origin where one import, and nothing else, binds the name."""
    names: dict[str, Name | None] = {}
    for name, origin in found:
        names[name] = origin if names.setdefault(name, origin) == origin else None
    return names


def evaluated_outside(node: ast.AST) -> list[ast.expr]:
    """The parts of a function, lambda or class that belong to the scope it stands in; hints are none of them."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
    assert isinstance(node, (*FUNCTIONS, ast.Lambda))
    defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
    return defaults if isinstance(node, ast.Lambda) else [*node.decorator_list, *defaults]


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes in the scope in which `nodes` stand; of a comprehension only what it assigns outside of itself."""
    waiting = [(node, False) for node in nodes][::-1]  # and whether it stands in a comprehension
    while waiting:
        node, inside = waiting.pop()
        if not inside or isinstance(node, ast.NamedExpr):
            yield node
        if isinstance(node, OPENING):
            below = evaluated_outside(node)
        else:
            below, inside = list(ast.iter_child_nodes(node)), inside or isinstance(node, COMPREHENSIONS)
        waiting += [(each, inside) for each in reversed(below)]


def bindings(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, Name | None]]:
    """Each name that these nodes bind in the scope they stand in, with its origin where it is an import."""
    for node in own_nodes(nodes):
        match node:
            case ast.Import() | ast.ImportFrom():
                yield from imported(node)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.NamedExpr(target=ast.Name(id=name)):
                yield name, None
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, None
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, None
            case ast.MatchMapping(rest=str(name)):
                yield name, None


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Name]]:
    """The names that an import binds, and what each stands for."""
    for alias in node.names:
        path = tuple(alias.name.split("."))
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (*(node.module or "").split("."), alias.name)
        else:
            yield alias.asname or path[0], path if alias.asname else path[:1]


def changed_names(statement: ast.stmt) -> Iterator[str]:
    """The names whose values a statement of a module changes: `X[...] = `, `X.y = `, `X.update(...)`."""
    for node in own_nodes([statement]):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute() as target)):
                pass
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                target = node
            case _:
                continue
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id


def arguments_of(node: ast.arguments) -> list[str]:
    """The names of a function's arguments."""
    rest = [each for each in (node.vararg, node.kwarg) if each]
    return [each.arg for each in (*node.posonlyargs, *node.args, *node.kwonlyargs, *rest)]


def make_absolute(tree: ast.Module, home: Name) -> None:
    """Give the relative imports of a module their full names; `home` is its package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = home[: len(home) - node.level + 1]
            node.module, node.level = ".".join((*base, node.module) if node.module else base), 0

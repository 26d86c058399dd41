"""How the definitions of a module are written down for a digest: the same on every Python from 3.11 on.

What does not matter is left out: positions, docstrings, type hints, a definition's own name. A name that stands for
something outside its own definition is written as a full dotted name (`Name`), to be looked up by `meaning`; local
names stay as they are. Python's rules of scopes decide which is which.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Iterable
from dataclasses import dataclass

from reversible.base.digests import parsed
from reversible.base.scopes import (
    Name,
    Scope,
    arguments_of,
    bindings,
    changed_names,
    imported,
    make_absolute,
    origins,
    own_nodes,
)

Token = str | Name
UNKNOWN = "?"  # begins the full name of what is neither bound in its module nor built in
BUILT_IN = {*dir(builtins), "__class__", "__module__", "__qualname__"}
OF_THE_PLACE = {"__doc__", "__file__", "__loader__", "__name__", "__package__", "__path__", "__spec__"}
ROLES = ("cells", "run_cell", "measure", "choice")  # the arguments of an Experiment that make its meaning, in order
LEFT_OUT = {"annotation", "ctx", "kind", "returns", "type_comment", "type_params"}


@dataclass(frozen=True)
class Module:
    """A module, written down: what it imports under which name, its definitions, and its experiments' arguments."""

    imports: dict[str, Name]
    definitions: dict[str, tuple[Token, ...]]
    entries: dict[str, dict[str, tuple[Token, ...]]]  # by the experiment's name, then by role


@functools.cache  # by the text, so that a file that changes under way is read anew
def spelled(name: str, package: bool, text: str) -> Module:
    """The module `name` ("reversible.data", say) with this text; `package` for the text of an __init__.py."""
    tree, home = parsed(text), tuple(name.split("."))
    make_absolute(tree, home if package else home[:-1])
    statements: dict[str, list[ast.stmt]] = {}  # by the names they bind; by "" those that bind none
    found_names: list[tuple[str, Name | None]] = []
    for statement in tree.body:
        if _only_when_called(statement):
            continue
        found = [*bindings([statement]), *((changed, None) for changed in changed_names(statement))]
        found_names += found
        for bound in dict.fromkeys(bound for bound, _ in found) or [""]:
            statements.setdefault(bound, []).append(statement)
    set_by_functions = {each for node in ast.walk(tree) if isinstance(node, ast.Global) for each in node.names}
    names = origins([*found_names, *((each, None) for each in set_by_functions)])
    top = Scope("module", names, home)
    own = [each for each, origin in names.items() if origin is None]
    return Module(
        {each: origin for each, origin in names.items() if origin},
        {each: _written([*statements.get(each, []), *statements.get("", [])], top, each) for each in own},
        {
            each: {role: _written([value], top, "") for role, value in arguments.items()}
            for each, arguments in _entries(statements.get("EXPERIMENTS", [])).items()
        },
    )


def _only_when_called(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _entries(statements: list[ast.stmt]) -> dict[str, dict[str, ast.expr]]:
    """Of the call that stands beside each name in a dict: the arguments that make an experiment's meaning, by role."""
    found: dict[str, dict[str, ast.expr]] = {}
    for node in (node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Dict)):
        for key, call in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(call, ast.Call):
                arguments: dict[str, ast.expr] = dict(zip(ROLES, call.args, strict=False))
                arguments |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in ROLES}
                found.setdefault(str(key.value), arguments)
    return found


def _written(parts: Iterable[ast.AST | str], top: Scope, own: str) -> tuple[Token, ...]:
    writer = _Writer(top, own)
    for part in parts:
        writer.put(part)
    return tuple(writer.tokens)


def _constant(value: object) -> str:
    return f"={type(value).__name__}:{value!a}"


class _Writer(ast.NodeVisitor):
    """Writes nodes as tokens: `(Kind`, `.field`, `[`, `]`, `)`, `=type:value`, `'local name`, and full names."""

    def __init__(self, top: Scope, own: str) -> None:
        self.tokens: list[Token] = []
        self.scope, self.own = top, own
        self.tries = 0

    def put(self, *parts: ast.AST | Token) -> None:
        for part in parts:
            if isinstance(part, ast.AST):
                self.visit(part)
            else:
                self.tokens.append(part)

    def generic_visit(self, node: ast.AST) -> None:
        self.put("(" + type(node).__name__)
        for name, value in ast.iter_fields(node):
            if name not in LEFT_OUT and value is not None and value != []:
                self.put("." + name)
                self.value(value)
        self.put(")")

    def value(self, value: object) -> None:
        if isinstance(value, list):
            self.put("[")
            for each in value:
                self.value(each)
            self.put("]")
        elif isinstance(value, ast.AST):
            self.visit(value)
        else:  # None: an argument without a default, or ** in a dict
            self.put("~" if value is None else _constant(value))

    def visit_Constant(self, node: ast.Constant) -> None:
        self.put(_constant(node.value))

    def visit_Expr(self, node: ast.Expr) -> None:
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):  # a docstring
            self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        pass

    def visit_Global(self, node: ast.Global) -> None:
        pass  # each use of the name says it

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if self.scope.kind == "class":  # a field of a dataclass
            self.put("(AnnAssign", node.target, *([node.value] if node.value else []), ")")
        elif node.value:
            self.visit(ast.Assign(targets=[node.target], value=node.value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        parts: list[ast.expr] = []
        for part in node.values:  # versions of Python cut the text at different places
            last = parts[-1] if parts else None
            if isinstance(part, ast.Constant) and isinstance(last, ast.Constant):
                parts[-1] = ast.Constant(f"{last.value}{part.value}")
            elif not (isinstance(part, ast.Constant) and part.value == ""):
                parts.append(part)
        self.put("(JoinedStr", *parts, ")")

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        spec = node.format_spec
        empty = isinstance(spec, ast.JoinedStr) and not spec.values
        self.put("(FormattedValue", node.value, str(node.conversion), *([spec] if spec and not empty else []), ")")

    def origin(self, name: str, scope: Scope) -> Name | None:
        """The full name of what `name` stands for in a scope; None where it is local."""
        innermost = scope
        while scope.parent and name not in scope.is_global:
            if name in scope.names and (scope.kind != "class" or scope is innermost):
                return scope.names[name]
            scope = scope.parent
        while scope.parent:
            scope = scope.parent
        if name in scope.names:
            return scope.names[name] or (*scope.module, name)
        if name in OF_THE_PLACE:
            return "builtins", name, *scope.module
        return ("builtins", name) if name in BUILT_IN else (UNKNOWN, ".".join(scope.module), name)

    def bound(self, name: str) -> Token:
        """How a name is written where it is bound: of those of a module it only matters which is the one written."""
        scope = self.scope
        while scope.kind == "comprehension" and scope.parent and name not in scope.names:
            scope = scope.parent
        if name in scope.is_global:
            return self.origin(name, scope) or name
        if scope.kind == "module":
            return "*own" if name == self.own else "*other"
        return "'" + name

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            return self.put(self.bound(node.id))
        origin = self.origin(node.id, self.scope)
        self.put(origin or "'" + node.id)
        if origin is None and self.scope.kind == "class" and self.scope.parent and node.id in self.scope.names:
            before = self.origin(node.id, self.scope.parent)  # what it is until the class binds it
            if before and before[0] != UNKNOWN:
                self.put("(or", before, ")")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        root: ast.expr = node
        attributes: list[str] = []
        while isinstance(root, ast.Attribute):
            attributes.insert(0, root.attr)
            root = root.value
        if isinstance(root, ast.Name) and (origin := self.origin(root.id, self.scope)):
            self.put((*origin, *attributes))
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Each use of an imported name says what it is; what may fail, or binds a name among others, counts itself."""
        for name, origin in imported(node):
            alone = self.scope.names.get(name) == origin
            if self.tries or not alone:
                self.put("(import", origin, *([] if alone else [self.bound(name)]), ")")

    visit_ImportFrom = visit_Import  # noqa: N815 - as ast calls them

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        self.tries += 1
        self.generic_visit(node)
        self.tries -= 1

    visit_TryStar = visit_Try  # noqa: N815 - as ast calls them

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.put("(" + type(node).__name__, self.bound(node.name))
        self.value([node.decorator_list, node.args])
        self.within("function", node.body, arguments_of(node.args))
        self.put(")")

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - as ast calls them

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.put("(Lambda", node.args)
        self.within("function", [node.body], arguments_of(node.args))
        self.put(")")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.put("(ClassDef", self.bound(node.name))
        self.value([node.decorator_list, node.bases, node.keywords])
        self.within("class", node.body, [])
        self.put(")")

    def within(self, kind: str, body: list[ast.stmt] | list[ast.expr], arguments: list[str]) -> None:
        """Write the body of a function or a class, in a scope of its own."""
        names = origins([*((name, None) for name in arguments), *bindings(body)])
        declared = [node for node in own_nodes(body) if isinstance(node, ast.Global | ast.Nonlocal)]
        for name in (name for node in declared for name in node.names):
            names.pop(name, None)
        is_global = {name for node in declared if isinstance(node, ast.Global) for name in node.names}
        self.scope = Scope(kind, names, self.scope.module, self.scope, is_global)
        self.value(body)
        self.leave()

    def leave(self) -> None:
        assert self.scope.parent
        self.scope = self.scope.parent

    def visit_comprehension_of(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first, *others = node.generators
        self.put("(" + type(node).__name__, first.iter)  # what it runs over belongs to the scope around it
        names = origins(bindings(generator.target for generator in node.generators))
        self.scope = Scope("comprehension", names, self.scope.module, self.scope)
        self.put(*([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]))
        self.put(first.target, str(first.is_async), "[", *first.ifs, "]", *others)
        self.leave()
        self.put(")")

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_comprehension_of  # noqa: N815 - as ast calls them

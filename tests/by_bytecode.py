"""What each definition of the library uses, read off the bytecode: Python's own compiler decides what is global."""

import ast
import dis


def compiled(text, module):
    """Every instruction of a module with its line, the code of functions and classes included."""
    waiting = [compile(text, module, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        waiting += [constant for constant in code.co_consts if hasattr(constant, "co_code")]
        yield [step for step in dis.get_instructions(code) if step.positions and step.positions.lineno]


def loaded(steps, first, last):
    """The dotted names that the instructions from line `first` to `last` load, and what they import."""
    source, name, before = "", "", ""
    for step in steps:
        if not first <= step.positions.lineno <= last:
            continue
        if step.opname == "IMPORT_NAME":
            source = step.argval
        elif step.opname == "IMPORT_FROM":
            yield "from", f"{source}.{step.argval}"
        elif step.opname in ("STORE_FAST", "STORE_DEREF") and before == "IMPORT_FROM":
            yield "as", step.argval
        elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF"):
            name = step.argval
            yield step.opname, name
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and name:
            name = f"{name}.{step.argval}"
            yield "attribute", name
        else:
            name = ""
        before = step.opname


def names_of(statement):
    if hasattr(statement, "name"):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def uses(library):
    """Full name of a definition -> the full names that it may use, those of no definition among them."""
    found = {}
    for file in library.rglob("*.py"):
        parts = [library.name, *file.relative_to(library).with_suffix("").parts]
        module, text = ".".join(part for part in parts if part != "__init__"), file.read_text()
        tree, code = ast.parse(text), list(compiled(text, module))
        imports = {}
        for node in (node for node in tree.body if isinstance(node, ast.ImportFrom)):
            imports |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        for name, origin in imports.items():
            found[f"{module}.{name}"] = {origin}
        for statement in tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
            here = {
                name
                for steps in code
                for name in full_names(loaded(steps, first, statement.end_lineno), module, imports)
            }
            for name in names_of(statement):
                found.setdefault(f"{module}.{name}", set()).update(here)
    return found


def full_names(names, module, imports):
    """What the loaded names of one code object stand for."""
    origin, local, is_global = "", {}, False
    for kind, name in names:
        root, _, rest = name.partition(".")
        if kind == "from":
            origin = name
            yield name
        elif kind == "as":
            local[name] = origin
        elif kind in ("LOAD_GLOBAL", "LOAD_NAME") or (kind == "attribute" and is_global):
            is_global = True
            yield ".".join([imports.get(root, f"{module}.{root}"), *filter(None, [rest])])
        else:
            is_global = False
            if root in local:
                yield ".".join([local[root], *filter(None, [rest])])


def reached(graph, roots):
    """All names of the graph that lead on from the roots, the roots included."""
    seen, waiting = set(), list(roots)
    while waiting:
        name = waiting.pop()
        if name in graph and name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen

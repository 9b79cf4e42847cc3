"""What columns are for, as texts: whatever is handed to a parameter `purpose` of the factories of columns.

They are read from the code and not from the tables: language stands below everything, and imports no model.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from backoffice.language.catalogues import CORE

FACTORIES = CORE.parent / "storage" / "columns.py"
PURPOSE = "purpose"


def purposes(path: Path) -> Iterator[str]:
    """The purposes that a module says, of its own columns or as what a factory says where nobody does."""
    tree = ast.parse(path.read_text("utf-8"))
    constants, own = _constants(tree), _takers(tree)
    for node in ast.walk(tree):
        said: ast.expr | None = None
        if isinstance(node, ast.FunctionDef):
            said = _unless_said(node)
        elif isinstance(node, ast.Call):
            said = _handed_to(node, own)
        if isinstance(said, ast.Name):
            said = constants.get(said.id)
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield said.value


@cache
def _factories() -> Mapping[str, int]:
    return _takers(ast.parse(FACTORIES.read_text("utf-8")))


def _takers(tree: ast.Module) -> dict[str, int]:
    """The functions that take a purpose, and at which place."""
    return {
        each.name: names.index(PURPOSE)
        for each in tree.body
        if isinstance(each, ast.FunctionDef)
        if PURPOSE in (names := _names(each))
    }


def _handed_to(call: ast.Call, own: Mapping[str, int]) -> ast.expr | None:
    match call.func:
        case ast.Attribute(value=ast.Name(id="columns"), attr=called):
            place = _factories().get(called)
        case ast.Name(id=called):
            place = own.get(called)
        case _:
            return None
    return call.args[place] if place is not None and place < len(call.args) else None


def _unless_said(function: ast.FunctionDef) -> ast.expr | None:
    names, defaults = _names(function), function.args.defaults
    with_default = names[len(names) - len(defaults) :]
    return dict(zip(with_default, defaults, strict=True)).get(PURPOSE)


def _names(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args)]


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    return {
        target.id: each.value
        for each in tree.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }

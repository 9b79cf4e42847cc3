"""What a reader sees that no catalogue knows: in templates by their syntax, in modules by what shows it."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, nodes

from backoffice.language.gathering import FOLDERS, ROOT, SUFFIXES
from backoffice.web.kept_parts import KeptParts

SAYS = frozenset({"_", "gettext", "ngettext"})
READ_ALOUD = frozenset({"title", "aria-label", "placeholder", "alt", "data-again", "data-given-up"})
SILENT = frozenset({"script", "style", "svg"})
# The name of the product, in every language.
BRAND = "Classroom Back Office"
# A word that somebody reads, and no address.
_WORD = re.compile(r"[^\W\d_]{2,}")
_ADDRESS = re.compile(r"\S*[/@]\S*")
# A string that is handed on and begins as a sentence or a heading does, with a number or without, and is no
# path of a drawing.
_SENTENCE = re.compile(r"(?=.*[a-z]{2})(?:[A-Z][^\W\d_]*(?:[ .?!:,…’'-]|$)|\d+ [a-z]{2,} )")
# What shows a person the text that it is given.
_SHOWS = frozenset({"Rejected", "Rejected.whole", "Unreadable", "flash", "undoable"})
# What is declared with words that pages show.
_DECLARES = frozenset(
    {"Job", "Tile", "Column", "Entry", "Edit", "BulkAction", "Command", "Number", "Option", "Chart", "Mail"}
)
_ENV = Environment(extensions=["jinja2.ext.i18n", KeptParts], autoescape=True)
_ENV.policies["ext.i18n.trimmed"] = True


def templates() -> list[Path]:
    """All templates of the core and of the plugins that lie here."""
    found = (path for top in ("backoffice", "plugins") for path in (ROOT / top).rglob("*"))
    return sorted(p for p in found if p.suffix in SUFFIXES and FOLDERS & {each.name for each in p.parents})


def bare_in_template(path: Path) -> list[str]:
    """The texts of a template that stand outside of gettext."""
    tree = _ENV.parse(path.read_text("utf-8"))
    strings = [text for text in _handed_on(tree) if _SENTENCE.match(text) and text != BRAND]
    written = "".join(_written(tree))
    if path.suffix == ".txt":
        return [*_bare(written), *strings]
    reader = _Reader()
    reader.feed(written)
    reader.close()
    return [*(text for read in reader.read for text in _bare(read)), *strings]


def bare_in_module(path: Path) -> list[str]:
    """The texts that a module shows a person and no catalogue knows."""
    tree = ast.parse(path.read_text("utf-8"))
    named = {
        target.id: each.value
        for each in tree.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in _SHOWS:
            shown = [*call.args[:1], *(each.value for each in call.keywords)]
            for each in shown:
                value = named.get(each.id, each) if isinstance(each, ast.Name) else each
                found += [text for text in _texts_of(value) if _WORD.search(text)]
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in _DECLARES:
            found += _declared(call)
    return found


def _declared(call: ast.Call) -> Iterator[str]:
    """The words that something is declared with: it may be a tile, a job or a column of a list."""
    for value in [*call.args, *(each.value for each in call.keywords)]:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and _SENTENCE.match(value.value):
            yield value.value


def _texts_of(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _texts_of(value.body)
        yield from _texts_of(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        yield ast.unparse(value)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value:
        yield value.value


def _written(node: nodes.Node) -> Iterator[str]:
    """What a template writes, all branches one after another, without what gettext says."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.TemplateData):
            yield child.data
        elif isinstance(child, nodes.Block) and child.name.endswith("class"):
            continue
        elif isinstance(child, nodes.Output | nodes.Stmt | nodes.Template):
            yield from _written(child)
        elif isinstance(node, nodes.Output):
            yield from _values(child)


def _values(node: nodes.Node) -> Iterator[str]:
    """The strings that an expression may come to."""
    match node:
        case nodes.Const():
            yield str(node.value) if isinstance(node.value, str) else ""
        case nodes.CondExpr():
            yield from _values(node.expr1)
            if node.expr2 is not None:
                yield from _values(node.expr2)
        case nodes.Or() | nodes.And() | nodes.Add():
            yield from _values(node.left)
            yield from _values(node.right)
        case nodes.Concat():
            for each in node.nodes:
                yield from _values(each)
        case nodes.Filter() if node.node is not None:
            yield from _values(node.node)


def _handed_on(node: nodes.Node) -> Iterator[str]:
    """The strings of a template that are no key, no name of a file, and no part of a comparison."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in SAYS:
        # Of what gettext fills in, only what is asked for there.
        for value in node.kwargs:
            yield from _handed_on(value)
        return
    if isinstance(node, nodes.Compare | nodes.Extends | nodes.Include | nodes.FromImport | nodes.Import):
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes(exclude=("key", "arg")):
        yield from _handed_on(child)


def _bare(text: str) -> Iterator[str]:
    rest = _ADDRESS.sub(" ", text.replace(BRAND, " "))
    if _WORD.search(rest):
        yield " ".join(text.split())


class _Reader(HTMLParser):
    """Collects what is read on a page or read aloud from it."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self.read += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.read.append(data)

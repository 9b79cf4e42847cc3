"""Parts of pages that are the same for many are written once and kept: the frame around every page is.

    {% kept by menu, compact if keeps with name=person.name %} ... {{ name }} ... {% endkept %}

What is kept is known by the language that is spoken and by the values after `by`. The values after `with` are
filled in anew, and escaped, each time; they are never kept. A part may look at nothing else: a template in
which one does cannot be loaded, so that nobody is ever shown what was written for somebody else. What is
sealed, or of a person, comes after `with`; or the condition after `if` says that this time nothing is kept.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser
from markupsafe import Markup, escape

from backoffice.language.catalogues import translations
from backoffice.language.spoken import language

# What is the same for everybody who speaks a language, as long as the process lives.
THE_SAME_FOR_ALL = frozenset({"_", "gettext", "ngettext", "url_for", "icon", "shapes", "texts_of_scripts"})
FILTERS = frozenset({"safe", "tojson", "forceescape"})
# These read whatever a page was given.
_SEES_ALL = (nodes.Include, nodes.Extends, nodes.Block, nodes.ContextReference)
# What depends on a value, and does not only write it.
_DECIDES = (
    nodes.Test, nodes.Compare, nodes.And, nodes.Or, nodes.Not, nodes.Getattr, nodes.Getitem, nodes.Filter,
    nodes.Concat, nodes.BinExpr, nodes.CondExpr,
)  # fmt: skip
MOST_KEPT = 1_000
# No text that is shown has this sign: no request may bring it, and no column of the database holds it.
_HOLE = re.compile("\0([a-z_]+)\0")


class _Part(NamedTuple):
    """What stands between the holes, and which hole follows each piece but the last."""

    pieces: Sequence[str]
    holes: Sequence[str]

    def filled(self, values: dict[str, Any]) -> Markup:
        written = [self.pieces[0]]
        for hole, piece in zip(self.holes, self.pieces[1:], strict=True):
            written += (escape(values[hole]), piece)
        return Markup("".join(written))  # noqa: S704 - pieces of our templates, and values that were escaped


class KeptParts(Extension):
    """The tag. What it keeps is of one application, and bounded."""

    tags = {"kept"}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._kept: dict[tuple[Any, ...], _Part] = {}

    def parse(self, parser: Parser) -> nodes.Node:
        """Read one. Raises `TemplateSyntaxError` for a part that looks at what it is not known by."""
        line = next(parser.stream).lineno
        known_by: list[str] = []
        if parser.stream.skip_if("name:by"):
            known_by.append(parser.parse_assign_target(name_only=True).name)
            while parser.stream.skip_if("comma"):
                known_by.append(parser.parse_assign_target(name_only=True).name)
        keeps: nodes.Expr = nodes.Const(True)
        if parser.stream.skip_if("name:if"):
            keeps = parser.parse_expression(with_condexpr=False)
        filled: list[nodes.Keyword] = []
        if parser.stream.skip_if("name:with"):
            filled.append(_keyword(parser))
            while parser.stream.skip_if("comma"):
                filled.append(_keyword(parser))
        body = parser.parse_statements(("name:endkept",), drop_needle=True)
        holes = [each.key for each in filled]
        _look(parser, body, {*known_by, *THE_SAME_FOR_ALL}, holes, line)
        key = nodes.Tuple([nodes.Name(each, "load") for each in known_by], "load")
        call = self.call_method("_written", [nodes.Const(_digest(known_by, body)), key, keeps], filled)
        return nodes.CallBlock(call, [nodes.Name(each, "param") for each in holes], [], body).set_lineno(line)

    def _written(
        self, body: str, known_by: tuple[Any, ...], keeps: object, caller: Callable[..., str], **values: Any
    ) -> str:
        if not keeps:
            return caller(**values)
        key = (body, translations(language()), known_by)
        part = self._kept.get(key)
        if part is None:
            # Split at the holes: texts and the names of holes take turns.
            holes = {name: Markup(f"\0{name}\0") for name in values}  # noqa: S704 - names of ours
            found = _HOLE.split(caller(**holes))
            part = _Part(found[::2], found[1::2])
            if any("\0" in piece for piece in part.pieces):
                raise ValueError("A kept part writes what comes after `with` otherwise than it is.")
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = part
        return part.filled(values)


def _digest(known_by: Sequence[str], body: Sequence[nodes.Node]) -> str:
    """What tells a part from others: all that it says. It is the same where templates are kept compiled."""
    return blake2b(repr((known_by, body)).encode(), digest_size=16).hexdigest()


def _imports(written: nodes.Template) -> Iterator[nodes.Import | nodes.FromImport]:
    yield from written.find_all(nodes.Import)
    yield from written.find_all(nodes.FromImport)


def _keyword(parser: Parser) -> nodes.Keyword:
    name = parser.stream.expect("name").value
    parser.stream.expect("assign")
    return nodes.Keyword(name, parser.parse_expression())


def _look(
    parser: Parser, body: Sequence[nodes.Node], known: set[str], holes: Sequence[str], line: int
) -> None:
    written = nodes.Template(list(body), lineno=line)
    # Jinja leaves out what all templates are given, such as the token of a form.
    blind = parser.environment.overlay()
    blind.globals = {}
    written.set_environment(blind)
    more = {
        *(find_undeclared_variables(written) - known - {*holes}),
        *(f"|{each.name}" for each in written.find_all(nodes.Filter) if each.name not in FILTERS),
        *(type(each).__name__.lower() for each in written.find_all(_SEES_ALL)),
        *("with context" for each in _imports(written) if each.with_context),
    }
    if more:
        names = ", ".join(sorted(map(str, more)))
        parser.fail(f"A kept part looks at {names}: name it after `by` or `with`.", line)
    deciding = [
        *written.find_all(_DECIDES),
        *(each.test for each in written.find_all(nodes.If)),
        *(each.iter for each in written.find_all(nodes.For)),
    ]
    for each in deciding:
        for name in (each, *each.find_all(nodes.Name)):
            if isinstance(name, nodes.Name) and name.name in holes:
                parser.fail(f"What is kept depends on {name.name}: name it after `by`.", line)

"""Which texts the code says, and bringing the catalogues up to it.

`make texts` runs this: it reads every module and template of the core and of the plugins that lie here, what
columns are for, what is promised, and how long what is kept, and writes each catalogue anew. New texts stand
there without a translation, and `tests/contract/test_texts.py` fails until each has one.
"""

import io
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from backoffice.language.catalogues import CATALOGUE, CORE
from backoffice.language.purposes import purposes

ROOT = CORE.parent.parent
PLUGINS = ROOT / "plugins"
PROMISES = ROOT / "config" / "controls.toml"
RETENTION = ROOT / "config" / "retention.toml"
KEYWORDS: dict[str, None] = {"_": None, "gettext": None, "ngettext": None, "lazy": None}
JINJA = {
    "trimmed": "true",
    "newstyle_gettext": "true",
    "silent": "false",
    "extensions": "backoffice.web.kept_parts.KeptParts",
}
# Templates are these, in folders of these names.
SUFFIXES = frozenset({".html", ".txt"})
FOLDERS = frozenset({"templates", "emails"})

Said = tuple[int, str | tuple[str, ...]]


def packages() -> list[Path]:
    """What brings a catalogue of its own: the core and each plugin that lies here."""
    plugins = (path.parent for path in sorted(PLUGINS.glob("*/__init__.py")))
    return [CORE.parent, *plugins]


def gathered(package: Path) -> Catalog:
    """All texts of a package, with where each is said."""
    catalog = Catalog(charset="utf-8")
    for path in sorted(each for each in package.rglob("*") if each.is_file()):
        place = [(path.relative_to(ROOT).as_posix(), None)]
        for _line, message in _texts(path):
            # Of what has two forms the singular is the key.
            catalog.add(message, locations=place)  # type: ignore[arg-type]
        for purpose in purposes(path) if path.suffix == ".py" else ():
            catalog.add(purpose, locations=place)  # type: ignore[arg-type]
    if package == CORE.parent:
        for file, texts in ((PROMISES, _promises()), (RETENTION, _retention())):
            for text in texts:
                catalog.add(text, locations=[(file.relative_to(ROOT).as_posix(), None)])  # type: ignore[list-item]
    return catalog


def written(package: Path, language: str) -> Catalog:
    """The catalogue of a package in a language, as it stands in the file."""
    path = package / "translations" / language / CATALOGUE
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def bring_up(package: Path, language: str) -> int:
    """Write a catalogue anew: what is said now, with what was translated before. How many texts are left."""
    texts, catalog = gathered(package), written(package, language)
    if not len(texts) and not len(catalog):
        return 0
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    path = package / "translations" / language / CATALOGUE
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    write_po(content, catalog, width=0, omit_header=True, sort_by_file=True, include_lineno=False)
    head = f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    plural = f'"Plural-Forms: {catalog.plural_forms}\\n"\n'
    path.write_bytes((head + plural + "\n").encode() + content.getvalue().lstrip())
    return sum(1 for each in catalog if each.id and not all(forms(each.string)))


def forms(string: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """The forms of a text: one, or one for each number."""
    return (string or "",) if string is None or isinstance(string, str) else tuple(string)


def _promises() -> list[str]:
    """What `config/controls.toml` promises."""
    return [control["promise"] for control in tomllib.loads(PROMISES.read_text("utf-8"))["control"]]


def _retention() -> list[str]:
    """What `config/retention.toml` says to people of each kind of data."""
    kinds = tomllib.loads(RETENTION.read_text("utf-8"))["kind"].values()
    return [kind[each] for kind in kinds for each in ("title", "purpose", "need", "clock")]


def _texts(path: Path) -> Iterator[Said]:
    with path.open("rb") as file:
        if path.suffix == ".py":
            found: Any = extract_python(file, KEYWORDS, (), {})
        elif path.suffix in SUFFIXES and FOLDERS & {parent.name for parent in path.parents}:
            found = babel_extract(file, list(KEYWORDS), (), JINJA)
        else:
            return
        for line, _function, message, _comments in found:
            if key := _key(message):
                yield line, key


def _key(message: str | Sequence[str | None] | None) -> str | tuple[str, ...] | None:
    if isinstance(message, str):
        return message
    texts = tuple(each for each in message or () if each)
    return texts[0] if len(texts) == 1 else texts[:2] or None

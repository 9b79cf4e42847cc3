"""The catalogues: which languages there are, and what a text says in each.

A text's key is its English sentence. A further language is a folder beside `es` with a `messages.po`, in the
core's `translations` and in those of the plugins; nothing has to be compiled, a catalogue is read when its
language is first spoken.
"""

import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

ENGLISH = "en"
CORE = Path(__file__).parent.parent / "translations"
CATALOGUE = Path("LC_MESSAGES", "messages.po")
# What anybody may send as a language is compared with what there is, and never used as a name of a file.
LONGEST_TAG = 35

_folders: tuple[Path, ...] = (CORE,)


def install(plugins: Iterable[Path]) -> None:
    """Have texts of plugins, too: each brings its own folder of catalogues, if it has one."""
    global _folders  # noqa: PLW0603 - a process has one set of texts
    folders = (CORE, *plugins)
    if folders != _folders:
        _folders = folders
        translations.cache_clear()
        languages.cache_clear()


@cache
def languages() -> tuple[str, ...]:
    """All languages, English first: those that the core has a catalogue of."""
    found = sorted(path.parent.parent.name for path in CORE.glob(f"*/{CATALOGUE}"))
    return (ENGLISH, *found)


def known(tag: str | None) -> str | None:
    """The language that is meant by a tag such as "es-MX", or None if there is no such language here."""
    if not tag or len(tag) > LONGEST_TAG:
        return None
    wanted = tag.replace("_", "-").lower()
    return next((each for each in languages() if each == wanted or wanted.startswith(f"{each}-")), None)


def own_name(language: str) -> str:
    """What a language is called by those who speak it: "English", "Español"."""
    name = Locale.parse(language).get_display_name(language) or language
    return name[:1].upper() + name[1:]


@cache
def translations(language: str) -> NullTranslations:
    """What texts say in a language; in one that is not known, the English texts themselves."""
    said: NullTranslations = NullTranslations()
    if language not in languages():
        return said
    for folder in _folders:
        path = folder / language / CATALOGUE
        if path.is_file():
            said = _read(path) if type(said) is NullTranslations else said.merge(_read(path))  # type: ignore[attr-defined]
    return said


def _read(path: Path) -> Translations:
    with path.open("rb") as file:
        catalogue = read_po(file)
    written = io.BytesIO()
    write_mo(written, catalogue)
    written.seek(0)
    return Translations(written)

"""Which language a tag means, and catalogues that are read as they lie there."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from backoffice.language import catalogues
from backoffice.language.catalogues import known, languages, own_name, translations
from backoffice.language.gathering import ROOT, forms, packages
from backoffice.language.spoken import speaking
from backoffice.language.texts import gettext

PO = 'msgid ""\nmsgstr ""\n"Language: es\\n"\n\nmsgid "A part of its own"\nmsgstr "Una parte propia"\n'


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("es", "es"),
        ("es-MX", "es"),
        ("ES_419", "es"),
        ("en-GB", "en"),
        ("fr", None),
        ("est", None),
        ("e", None),
        ("", None),
        (None, None),
        ("../es", None),
        ("es/../../../../etc/passwd", None),
        ("es\0", None),
        ("es-" + "x" * 10_000, None),
        ("*", None),
    ],
)
def test_only_what_there_is_is_a_language(tag: str | None, language: str | None) -> None:
    assert known(tag) == language


def test_languages_are_called_as_their_speakers_do() -> None:
    assert languages()[0] == "en"
    assert [own_name(each) for each in languages()] == ["English", "Español"]


@pytest.mark.parametrize("tag", ["fr", "../../translations/es", "es/../es"])
def test_in_an_unknown_language_texts_are_english(tag: str) -> None:
    assert translations(tag).gettext("Sign in") == "Sign in"
    with speaking(tag):
        assert gettext("Sign in") == "Sign in"


def test_a_plugin_brings_a_catalogue_of_its_own(tmp_path: Path) -> None:
    place = tmp_path / "es" / "LC_MESSAGES" / "messages.po"
    place.parent.mkdir(parents=True)
    place.write_text(PO, "utf-8")
    before = catalogues._folders[1:]
    catalogues.install([tmp_path, tmp_path / "none"])
    try:
        with speaking("es"):
            assert (gettext("A part of its own"), gettext("Sign in")) == ("Una parte propia", "Entrar")
    finally:
        catalogues.install(before)
    with speaking("es"):
        assert gettext("A part of its own") == "A part of its own"


@pytest.mark.parametrize("language", languages()[1:])
def test_a_text_of_the_core_is_said_in_the_same_words_by_every_plugin(language: str) -> None:
    """One of them is shown for both. A text for one and for many is known by the words for one alone."""

    def said(package: Path) -> dict[str, object]:
        catalogue = package / "translations" / language / "LC_MESSAGES" / "messages.po"
        if not catalogue.exists():
            return {}
        with catalogue.open("rb") as file:
            return {forms(each.id)[0]: (each.id, each.string) for each in read_po(file) if each.id}

    core, compared = said(ROOT / "backoffice"), 0
    for package in packages():
        own = said(package)
        both = own.keys() & core.keys()
        compared += len(both) if package.name != "backoffice" else 0
        assert {each: own[each] for each in both if own[each] != core[each]} == {}, package.name
    assert compared > 20

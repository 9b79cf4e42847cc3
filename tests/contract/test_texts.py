"""Every text is in a catalogue, says there what it says here, and no text stands outside of gettext."""

import re
from pathlib import Path

import pytest

from backoffice.language.catalogues import ENGLISH, languages
from backoffice.language.gathering import ROOT, forms, gathered, packages, written
from backoffice.web.script_texts import TEXTS
from tests.contract.texts import bare_in_module, bare_in_template, templates

# Not yet said through gettext. This is to become empty.
TEMPLATES_TO_COME: tuple[str, ...] = ()
MODULES_TO_COME = ("backoffice/accounts/care/services/at_the_server.py",)
LANGUAGES = [each for each in languages() if each != ENGLISH]
_FILLED = re.compile(r"%\((\w+)\)s|(%%)")
_TAG = re.compile(r"<[^>]+>")


@pytest.mark.parametrize("package", packages(), ids=lambda path: path.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_each_language(language: str, package: Path) -> None:
    """`make texts` writes what is missing into the catalogue; whoever speaks the language fills it in."""
    catalog = written(package, language)
    missing = [
        each.id
        for each in gathered(package)
        if each.id and not ((found := catalog.get(each.id)) and not found.fuzzy and all(forms(found.string)))
    ]
    assert missing == []


@pytest.mark.parametrize("package", packages(), ids=lambda path: path.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_and_marks_up_what_the_text_does(language: str, package: Path) -> None:
    """No value is lost or named otherwise, and a catalogue brings no tag, address or attribute of its own."""
    told = [
        (each.id, form)
        for each in written(package, language)
        if each.id
        for number, form in enumerate(forms(each.string))
        if sorted(_TAG.findall(form)) != sorted(_TAG.findall(forms(each.id)[0]))
        or _values(form) - {"num", "count"} != _values(forms(each.id)[-1]) - {"num", "count"}
        # "Once" needs no number; the form for many says it.
        or (number and _values(form) != _values(forms(each.id)[-1]))
    ]
    assert told == []


def _values(text: str) -> set[str]:
    return {found.group(1) for found in _FILLED.finditer(text)}


def _left(bare: dict[str, list[str]], to_come: tuple[str, ...]) -> dict[str, list[str]]:
    return {path: texts for path, texts in bare.items() if texts and not path.startswith(to_come)}


def test_no_template_says_anything_outside_of_gettext() -> None:
    bare = {str(path.relative_to(ROOT)): bare_in_template(path) for path in templates()}
    assert _left(bare, TEMPLATES_TO_COME) == {}
    # What has been done is to leave the list.
    assert [each for each in TEMPLATES_TO_COME if not _some(bare, each)] == []


def test_no_template_gives_the_name_of_gettext_away() -> None:
    """`{% set _ = ... %}` would be called by the next text below it."""
    assert [
        path for path in templates() if re.search(r"\{%-? *(?:set|for) _\b", path.read_text("utf-8"))
    ] == []


def test_no_module_shows_a_text_outside_of_gettext() -> None:
    modules = [path for top in ("backoffice", "plugins") for path in sorted((ROOT / top).rglob("*.py"))]
    bare = {str(path.relative_to(ROOT)): bare_in_module(path) for path in modules}
    assert _left(bare, MODULES_TO_COME) == {}
    assert [each for each in MODULES_TO_COME if not _some(bare, each)] == []


def _some(bare: dict[str, list[str]], place: str) -> bool:
    return any(texts for path, texts in bare.items() if path.startswith(place))


def test_scripts_say_what_pages_bring_them() -> None:
    scripts = (ROOT / "backoffice/web/static/js").glob("*.js")
    said = {text for path in scripts for text in re.findall(r'said\("([^"]+)"\)', path.read_text("utf-8"))}
    assert said == set(TEXTS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello {{ name }}</p>", ["Hello"]),
        ('<p title="Look here">{{ _("Hello") }}</p>', ["Look here"]),
        ('{{ "One" if one else _("Many") }}', ["One", "One"]),
        ('{{ field(form.name, help="So that you know it.") }}', ["So that you know it."]),
        ('{{ field(form.name, help="2 words or more.") }}', ["2 words or more."]),
        ('{% set title = "A page" %}', ["A page"]),
        ('{{ field(form.name, help="12 letters or more.") }}', ["12 letters or more."]),
        ('{% trans name %}Hello {{ name }}{% endtrans %}<b class="one two">{{ a == "Select" }}</b>', []),
    ],
)
def test_a_bare_text_is_found(tmp_path: Path, source: str, found: list[str]) -> None:
    template = tmp_path / "page.html"
    template.write_text(source, "utf-8")
    assert bare_in_template(template) == found


def test_a_bare_text_in_a_module_is_found(tmp_path: Path) -> None:
    module = tmp_path / "views.py"
    module.write_text(
        'OVER = "It is over."\nflash(gettext("Saved it."))\nflash(f"Saved {it} now")\n'
        'Tile("open", "Doors open", lazy("Open"))\nJob("tidy", title="Tidy up")\nChart(all, of="Events")\n'
        'raise Rejected(name=OVER)\nraise Rejected.whole("No way." if no else gettext("Yes."))\n',
        "utf-8",
    )
    assert sorted(bare_in_module(module)) == [
        "Doors open",
        "Events",
        "It is over.",
        "No way.",
        "Tidy up",
        "f'Saved {it} now'",
    ]

"""Parts of pages that are kept: known by all that they look at, and filled in anew."""

from collections.abc import Iterator

import pytest
from flask import Flask
from jinja2 import Template, TemplateSyntaxError
from markupsafe import Markup

from backoffice.language.spoken import speaking
from backoffice.web import kept_parts


@pytest.fixture(autouse=True)
def _within(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def template(app: Flask, text: str) -> Template:
    return app.jinja_env.from_string(text)


def test_it_is_written_once_for_each_of_what_it_is_known_by(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def icon(name: str) -> str:
        written.append(name)
        return name

    monkeypatch.setitem(app.jinja_env.globals, "icon", icon)
    page = template(app, "{% kept by menu, compact %}{{ icon('x') }}{{ menu }}{{ compact }}{% endkept %}")
    pages = [("a", True), ("a", False), ("a", True), ("b", True), ("a", False)]
    shown = [page.render(menu=menu, compact=compact) for menu, compact in pages]
    assert shown == ["xaTrue", "xaFalse", "xaTrue", "xbTrue", "xaFalse"]
    assert len(written) == 3


def test_each_language_has_its_own(app: Flask) -> None:
    page = template(app, "{% kept %}{{ _('Console') }}{% endkept %}")
    said = []
    for spoken in ("en", "es", "en"):
        with speaking(spoken):
            said.append(page.render())
    assert said[0] == said[2] == "Console"
    assert said[1] != said[0]


def test_what_comes_after_with_is_filled_in_anew_and_escaped(app: Flask) -> None:
    page = template(
        app, "{% kept by at with name=person.name %}<i>{{ at }}: {{ name }}</i>, {{ name }}{% endkept %}"
    )
    names = ("Ada", "<b>\0name\0</b>", Markup("<u>safe</u>"))
    assert [page.render(at="a", person={"name": each}) for each in names] == [
        "<i>a: Ada</i>, Ada",
        "<i>a: &lt;b&gt;\0name\0&lt;/b&gt;</i>, &lt;b&gt;\0name\0&lt;/b&gt;",
        "<i>a: <u>safe</u></i>, <u>safe</u>",
    ]
    parts = app.jinja_env.extensions["backoffice.web.kept_parts.KeptParts"]
    assert "Ada" not in str(parts._kept)  # type: ignore[attr-defined]


def test_what_it_is_known_by_is_escaped_too(app: Flask) -> None:
    page = template(app, "{% kept by at %}{{ at }}{% endkept %}")
    assert [page.render(at="<b>") for _ in range(2)] == ["&lt;b&gt;"] * 2


def test_nothing_is_kept_where_the_page_says_so(app: Flask) -> None:
    page = template(app, "{% kept by at if public with name=name %}{{ at }}{{ name }}{% endkept %}")
    parts = app.jinja_env.extensions["backoffice.web.kept_parts.KeptParts"]
    before = len(parts._kept)  # type: ignore[attr-defined]
    assert page.render(at="of one", public=False, name="<") == "of one&lt;"
    # What cannot be compared is no trouble then.
    assert page.render(at=["of", "one"], public=[], name="") == "[&#39;of&#39;, &#39;one&#39;]"
    assert len(parts._kept) == before  # type: ignore[attr-defined]
    assert page.render(at="of all", public=True, name=">") == "of all&gt;"
    assert len(parts._kept) == before + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{% kept by at %}{{ person.name }}{% endkept %}", "person"),
        ("{% kept %}{% if at %}x{% endif %}{% endkept %}", "at"),
        ("{% kept %}{% for each in menu %}{{ each }}{% endfor %}{% endkept %}", "menu"),
        ("{% kept %}{{ csrf_token() }}{% endkept %}", "csrf_token"),
        ("{% kept %}{{ csp_nonce() }}{% endkept %}", "csp_nonce"),
        ("{% kept %}{{ request.path }}{% endkept %}", "request"),
        ("{% kept %}{{ g.zone }}{% endkept %}", "g"),
        ("{% kept by at %}{{ at|ago }}{% endkept %}", "ago"),
        ("{% kept by at %}{% include 'console/parts/views.html' %}{% endkept %}", "include"),
        ("{% kept %}{% from 'web/macros.html' import icon with context %}{% endkept %}", "with context"),
        # What is filled in may be anything: what is kept cannot depend on it.
        ("{% kept with name=at %}{% if name %}x{% endif %}{% endkept %}", "name"),
        ("{% kept with name=at %}{{ 'x' if name else 'y' }}{% endkept %}", "name"),
        ("{% kept with name=at %}{% if not name %}x{% endif %}{% endkept %}", "name"),
        ("{% kept with name=at %}{{ name[:1] }}{% endkept %}", "name"),
        ("{% kept with name=at %}{{ name ~ 'x' }}{% endkept %}", "name"),
        ("{% kept with name=at %}{{ name|forceescape }}{% endkept %}", "name"),
        ("{% kept with name=at %}{% for each in name %}x{% endfor %}{% endkept %}", "name"),
    ],
)
def test_a_part_that_looks_at_more_cannot_be_loaded(app: Flask, text: str, named: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=named):
        template(app, text)


def test_a_macro_that_writes_it_otherwise_fails(app: Flask) -> None:
    imported = template(app, "{% macro upper(it) %}{{ it|upper }}{% endmacro %}")
    page = template(
        app, "{% kept by page with name=at %}{% from page import upper %}{{ upper(name) }}{% endkept %}"
    )
    with pytest.raises(ValueError, match="otherwise than it is"):
        page.render(page=imported, at="a")


def test_no_more_is_kept_than_so_many(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_parts, "MOST_KEPT", 3)
    page = template(app, "{% kept by at %}{{ at }}{% endkept %}")
    parts = app.jinja_env.extensions["backoffice.web.kept_parts.KeptParts"]
    for each in range(20):
        assert page.render(at=each) == str(each)
        assert len(parts._kept) <= 1_000 + 3  # type: ignore[attr-defined]
    assert len(parts._kept) <= 3  # type: ignore[attr-defined]

"""Macros that templates import from one another are made once a process, and speak whoever's language."""

from typing import Any

import pytest
from flask import Flask
from jinja2 import Template
from jinja2.environment import TemplateModule

from backoffice.language.spoken import speaking
from backoffice.web.imports import ImportedOnce

PAGE = """{% from "web/macros.html" import icon %}{{ icon("edit") }}{{ _("Console") }}"""


def test_what_a_page_imports_is_made_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str | None] = []
    make = Template.make_module

    def noted(self: Template, *given: Any) -> TemplateModule:
        made.append(self.name)
        return make(self, *given)

    monkeypatch.setattr(Template, "make_module", noted)
    page = app.jinja_env.from_string(PAGE)
    with app.app_context():
        said = []
        for spoken in ("en", "es", "en"):
            with speaking(spoken):
                said.append(page.render())
    assert made.count("web/macros.html") <= 1
    # The library's own compares names for each import, which no page shows.
    assert app.jinja_env.template_class is ImportedOnce
    assert said[0] == said[2] != said[1]
    assert all("<svg" in each for each in said)

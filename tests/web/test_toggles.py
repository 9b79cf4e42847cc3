"""Pages of a plugin outside the console: they go with its switch, those nested in them too."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Blueprint, Flask

from backoffice.access import toggles
from backoffice.app import build
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime


def pages(name: str) -> Blueprint:
    made = Blueprint(name, __name__, url_prefix=f"/{name}")
    made.add_url_rule("/page", view_func=lambda: "Here I am.", endpoint="page")
    return made


@pytest.fixture
def heron(runtime: Runtime) -> Iterator[Flask]:
    """An application with one plugin more: a page, one nested in it, and one that always stands."""
    outer, standing = pages("heron"), pages("nest")
    outer.register_blueprint(pages("egg"))
    plugin = Plugin(
        name="heron",
        title="The heron",
        summary="Stands.",
        tables=None,
        personal_data=(),
        retention=(),
        blueprints=(outer,),
        standing_blueprints=(standing,),
        package=__package__,
    )
    yield build(replace(runtime, plugins=(*runtime.plugins, plugin)))
    toggles.install({each.name: each.enabled_at_first for each in runtime.plugins})


PATHS = ["/heron/page", "/heron/egg/page"]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_what_is_switched_off_says_so(heron: Flask, path: str) -> None:
    toggles.install({"heron": False})
    answer = heron.test_client().get(path)
    assert (answer.status_code, "The heron is switched off." in answer.text) == (404, True)
    machine = heron.test_client().get(path, headers={"Accept": "application/json"})
    assert (machine.status_code, machine.mimetype) == (404, "application/problem+json")
    assert machine.json is not None
    assert machine.json["title"] == "The heron is switched off."


@pytest.mark.parametrize(("path", "on"), [*((path, True) for path in PATHS), ("/nest/page", False)])
def test_a_page_of_what_is_on_and_one_that_always_stands_answer(heron: Flask, path: str, on: bool) -> None:
    toggles.install({"heron": on})
    assert heron.test_client().get(path).text == "Here I am."

"""The inventory within the console: what everybody may read, for those who answer for it."""

import re

import pytest
from flask import Flask

from tests.factories.visitor import signed_in
from tests.factories.world import World

PAGE = "/console/inventory/"


def rows(page: str) -> list[str]:
    return re.findall(r'<th scope="row">.*?</tr>', page, re.DOTALL)


@pytest.mark.parametrize("role", ["founder", "leader", "officer"])
def test_it_shows_what_the_public_page_shows(app: Flask, world: World, role: str) -> None:
    client = signed_in(app, world, role)
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert rows(answer.text) == rows(app.test_client().get("/privacy/data").text)
    assert f'href="{PAGE}"' in client.get("/console/").text


@pytest.mark.parametrize("role", ["teacher", "helper", "parent"])
def test_it_is_in_nobody_elses_menu(app: Flask, world: World, role: str) -> None:
    client = signed_in(app, world, role)
    assert client.get(PAGE).status_code == 404
    assert PAGE not in client.get("/console/").text

"""Rows closer together: kept in the browser as that word alone, and back to the page where it was chosen."""

import pytest
from flask import Flask

from tests.factories.visitor import form_token, signed_in
from tests.factories.world import World

ADDRESS = "/console/density/"


def test_a_choice_stays_and_can_be_taken_back(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    token = form_token(client.get("/console/").text)
    assert "is-compact" not in client.get("/console/").text
    came_from = {"Referer": "http://localhost/console/students/"}
    answer = client.post(ADDRESS, data={"csrf_token": token, "rows": "compact"}, headers=came_from)
    assert (answer.status_code, answer.location) == (303, "/console/students/")
    cookie = client.get_cookie("density")
    assert cookie is not None
    assert (cookie.value, cookie.http_only, cookie.same_site) == ("compact", True, "Lax")
    assert '<body class="shell is-compact">' in client.get("/console/").text
    client.post(ADDRESS, data={"csrf_token": token, "rows": "comfortable"})
    assert client.get_cookie("density") is None


def test_a_cookie_of_another_word_is_as_none(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    client.set_cookie("density", '"><script>')
    page = client.get("/console/").text
    assert '<body class="shell">' in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("http://localhost/console/students/?classroom=abc", "/console/students/?classroom=abc"),
        # Answers to forms alone cannot be asked for.
        (f"http://localhost{ADDRESS}", "/console/"),
        ("https://console.example/console/students/", "/console/"),
        ("http://localhost//console.example/", "/console/"),
        ("http://localhost/console/../sign-out", "/console/"),
        ("http://localhost/console/nowhere", "/console/"),
        ("http://[", "/console/"),
        ("", "/console/"),
    ],
)
def test_the_way_back_is_a_page_of_the_console(app: Flask, world: World, back: str, leads: str) -> None:
    client = signed_in(app, world, "teacher")
    token = form_token(client.get("/console/").text)
    answer = client.post(ADDRESS, data={"csrf_token": token, "rows": "compact"}, headers={"Referer": back})
    assert answer.location == leads

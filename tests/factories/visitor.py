"""A browser for tests: it holds cookies, signs in, and sends forms with their token."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories.world import World

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def signed_in(app: Flask, world: World, role: str) -> FlaskClient:
    """A browser in which one of the people is signed in."""
    client = app.test_client()
    client.set_cookie("account", world.token(role))
    return client


def form_token(page: str) -> str:
    """The token that the first form of a page carries."""
    found = _TOKEN.search(page)
    assert found, "The page has no form."
    return found.group(1)


def field_value(page: str, name: str) -> str:
    """What a page's form holds in the hidden field of that name."""
    (tag,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
    (value,) = re.findall(r'value="([^"]*)"', tag)
    return str(value)


def send(
    client: FlaskClient, path: str, fields: Mapping[str, Any], *, page: str | None = None
) -> TestResponse:
    """Open a page (by default the form's own address) and send its form with these fields."""
    token = form_token(client.get(page or path).text)
    return client.post(path, data={"csrf_token": token, **fields})

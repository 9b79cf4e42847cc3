"""Fields for passwords are such to browsers and password managers, and take what is pasted."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from flask import Flask

from backoffice.accounts.passwords import LONGEST
from tests.contract.matrix import Matrix
from tests.contract.routes import routes

STATIC = Path(__file__).resolve().parents[2] / "backoffice" / "web" / "static" / "js"
TOKENS = {"current-password", "new-password"}


SEE_DIFFERENT_PAGES = ("founder", "leader", "teacher", "parent", "student", "nobody")


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and ("password" in given.get("name", "") or given.get("type") == "password"):
            self.found.append(given)


def pages(matrix: Matrix, app: Flask) -> Iterator[tuple[str, str]]:
    """Every page without a variable as each actor sees it, and those behind an invitation's link."""
    plain = [each for each in routes(app) if each.method == "GET" and not each.kinds]
    for actor in map(matrix.actor, SEE_DIFFERENT_PAGES):
        for route in plain:
            answer = matrix.stage.browser(app, actor).get(route.rule.rule)
            if (answer.mimetype or "").startswith("text/"):
                yield str(route), answer.text
        link = f"/invitations/{matrix.stage.world.invited}"
        yield link, matrix.stage.browser(app, actor).get(link).text
    matrix.settle()


def test_every_password_field_is_one(matrix: Matrix) -> None:
    seen: dict[str, set[str]] = {}
    for where, page in pages(matrix, matrix.app):
        reader = _Fields()
        reader.feed(page)
        for field in reader.found:
            assert field["type"] == "password", where
            assert field.get("autocomplete") in TOKENS, where
            # Nothing is cut off in silence, and nothing keeps a manager from filling it in.
            assert int(field.get("maxlength", LONGEST)) >= LONGEST, where
            assert not {"readonly", "onpaste", "pattern"} & set(field), where
            seen.setdefault(where, set()).add(field["name"])
    assert {"GET /sign-in", "GET /account/password", "GET /account/prove"} <= set(seen)
    assert any(where.startswith("/invitations/") for where in seen)


def test_no_script_stands_between_a_field_and_what_is_pasted() -> None:
    scripts = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
    assert scripts
    assert [name for name, text in scripts.items() if '"paste"' in text or "onpaste" in text] == []

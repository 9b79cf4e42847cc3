"""Files that browsers keep: their addresses, how long, and how they travel."""

import gzip
import re
from itertools import accumulate
from pathlib import Path

import pytest
from flask import Flask

from backoffice.web import assets

ROOT = Path(__file__).resolve().parents[2]
ZIPPED = {"Accept-Encoding": "gzip, deflate, br"}


def addresses(app: Flask) -> list[str]:
    page = app.test_client().get("/sign-in").text
    return re.findall(r'(?:href|src)="([^"]*/static/[^"]+)"', page)


def test_files_under_the_addresses_of_a_page_are_kept_for_a_year(app: Flask) -> None:
    browser, found = app.test_client(), addresses(app)
    assert {each.rpartition("/")[2] for each in found} >= {"app.css", "app.js", "bootstrap.min.css"}
    for each in found:
        with browser.get(each) as answer:
            assert (answer.status_code, answer.headers["Cache-Control"]) == (
                200,
                "public, max-age=31536000, immutable",
            )


def test_what_a_module_imports_has_its_version(app: Flask) -> None:
    """`./forms.js` beside `/static/v-…/js/app.js`."""
    (module,) = (each for each in addresses(app) if each.endswith("app.js"))
    with app.test_client().get(module.replace("app.js", "forms.js")) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("at", "seconds"), [("/static/css/app.css", 3600), ("/static/v-0000000000000000/css/app.css", 0)]
)
def test_without_this_release_s_version_for_an_hour_and_with_another_s_not_at_all(
    app: Flask, at: str, seconds: int
) -> None:
    """A process of the release before would answer with its own file under the new address."""
    with app.test_client().get(at) as answer:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, f"public, max-age={seconds}")


@pytest.mark.parametrize(
    "at", ["/static/v-/../../app.py", "/static/v-x/../app.py", "/static/v-x/none.css", "/static/v-x/"]
)
def test_a_version_opens_nothing_else(app: Flask, at: str) -> None:
    answer = app.test_client().get(at)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_a_version_changes_with_each_file(tmp_path: Path) -> None:
    seen = set()
    for name, content in (("a.css", "a"), ("a.css", "b"), ("b.css", "b"), ("a.css", "")):
        (tmp_path / name).write_text(content)
        assets.version.cache_clear()
        seen.add(assets.version(str(tmp_path)))
    assets.version.cache_clear()
    assert len(seen) == 4


def test_files_travel_compressed_where_asked(app: Flask) -> None:
    browser = app.test_client()
    with (
        browser.get("/static/css/app.css") as plain,
        browser.get("/static/css/app.css", headers=ZIPPED) as zipped,
    ):
        assert "Content-Encoding" not in plain.headers
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(zipped.data) == plain.data
        assert int(zipped.headers["Content-Length"]) == len(zipped.data) < len(plain.data) / 3
        assert all("Accept-Encoding" in each.headers["Vary"] for each in (plain, zipped))
        known = zipped.headers["ETag"]
    assert known.startswith("W/")
    with browser.get("/static/css/app.css", headers={**ZIPPED, "If-None-Match": known}) as answer:
        assert (answer.status_code, answer.data) == (304, b"")


@pytest.mark.parametrize(
    "asked", [{"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "br"}, {**ZIPPED, "Range": "bytes=0-9"}]
)
def test_nor_where_not(app: Flask, asked: dict[str, str]) -> None:
    with app.test_client().get("/static/css/app.css", headers=asked) as answer:
        assert "Content-Encoding" not in answer.headers


def test_pages_are_never_compressed(app: Flask) -> None:
    """A page holds a token beside a visitor's words."""
    answer = app.test_client().get("/sign-in", headers=ZIPPED)
    assert len(answer.data) > assets.LEAST_BYTES
    assert "Content-Encoding" not in answer.headers


def test_what_a_style_opens_it_closes() -> None:
    """A browser says nothing of a brace that is missing: what follows holds on small screens alone."""
    styles = [each for place in ("backoffice", "plugins") for each in (ROOT / place).rglob("*.css")]
    assert {each.name for each in styles} >= {"app.css", "student.css", "tokens.css"}
    for each in styles:
        code = re.sub(r"""/\*.*?\*/|"[^"]*"|'[^']*'""", "", each.read_text(), flags=re.DOTALL)
        depths = list(accumulate({"{": 1, "}": -1}[mark] for mark in re.findall("[{}]", code)))
        assert (min(depths, default=0), depths[-1:] or [0]) == (0, [0]), each
        # A block that was never closed swallows those that stand at the margin after it.
        margin = re.findall(r"^(?![\s}]).*\{", code, flags=re.MULTILINE)
        assert len(margin) == depths.count(0), each

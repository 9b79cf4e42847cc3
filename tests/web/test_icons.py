"""Pictures of pages: one that nobody has drawn is a dot, and tells nothing."""

import re
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).parents[2]
USED = re.compile(r"""icon\("([a-z-]+)\"""")


def test_each_picture_that_a_page_asks_for_is_drawn(app: Flask) -> None:
    drawn = set(re.findall(r'^ *"([a-z-]+)": ', _macros(app), re.MULTILINE))
    used = {
        (name, path.name)
        for part in ("backoffice", "plugins")
        for path in (ROOT / part).rglob("*.html")
        for name in USED.findall(path.read_text("utf-8"))
    }
    assert len(used) > 20
    assert {each for each in used if each[0] not in drawn} == set()


def _macros(app: Flask) -> str:
    return str(app.jinja_env.loader.get_source(app.jinja_env, "web/macros.html")[0])  # type: ignore[union-attr]

"""The page that asks for a username."""

from flask import render_template
from flask_wtf import FlaskForm


def username_page(code: str, *, username: str = "", problem: str | None = None) -> str:
    """Ask for a username and PIN; the code goes on with it."""
    return render_template(
        "students/username.html", form=FlaskForm(), code=code, username=username, problem=problem
    )

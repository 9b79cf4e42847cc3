"""The page that asks for a PIN at the door, whichever way the child came to it."""

from collections.abc import Mapping

from flask import render_template
from flask_wtf import FlaskForm


def pin_page(
    action: str, hidden: Mapping[str, str], *, label: str, avatar: str, problem: str | None = None
) -> str:
    """Ask the child of this label for the PIN; `hidden` goes on with it to `action`."""
    return render_template(
        "students/pin.html",
        form=FlaskForm(),
        action=action,
        hidden=hidden,
        label=label,
        avatar_name=avatar,
        problem=problem,
    )

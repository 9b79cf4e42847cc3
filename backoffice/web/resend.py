"""Forms that come too late: what somebody typed is shown again instead of thrown away.

A view may be marked when it saves only what `form.validate_on_submit()` accepted. That checks the token once
more, so that calling the view with a token that failed shows the form with its values and saves nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, request

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "shows_what_was_typed"


def shows_what_was_typed(view: View) -> View:
    """Mark a view that shows its form again, filled in, when the form's token has failed."""
    setattr(view, _MARK, True)
    return view


def the_form_again() -> Any:
    """The answer of the marked view that the request asked for; None if the view is not marked."""
    view = _asked_for()
    return view(**(request.view_args or {})) if getattr(view, _MARK, False) else None


def can_be_sent_again() -> bool:
    """Whether the request is a form whose view shows what was typed."""
    return request.method == "POST" and getattr(_asked_for(), _MARK, False)


def _asked_for() -> Any:
    return current_app.view_functions.get(request.endpoint or "")

"""How close rows stand to each other: a choice kept in a cookie that holds that word alone."""

from flask import request
from werkzeug.wrappers import Response

from backoffice.web import cookies
from backoffice.web.identity import settings

COMPACT, COMFORTABLE = "compact", "comfortable"
A_YEAR = 365 * 24 * 60 * 60


def is_compact() -> bool:
    """Whether whoever asks wants rows close together."""
    return request.cookies.get(cookies.name(settings(), cookies.DENSITY)) == COMPACT


def keep(response: Response, choice: str) -> None:
    """Keep the choice for a year; what everybody has needs no cookie."""
    if choice == COMPACT:
        cookies.put(response, settings(), cookies.DENSITY, COMPACT, same_site="Lax", seconds=A_YEAR)
    else:
        cookies.drop(response, settings(), cookies.DENSITY)

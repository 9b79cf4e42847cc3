"""The cookies: their names and their flags, for https and for the loopback demo."""

from flask import Flask
from werkzeug.wrappers import Response

from backoffice.settings import Settings

ACCOUNT = "account"
STUDENT = "student"
FORM = "form"
DEVICE = "device"
TABLET = "tablet"
DENSITY = "density"
LANGUAGE = "language"


def name(settings: Settings, base: str) -> str:
    """The cookie's name: with `__Host-` over https, plain on the loopback demo so that scripts can use it."""
    return f"__Host-{base}" if settings.secure else base


def put(
    response: Response,
    settings: Settings,
    base: str,
    value: str,
    *,
    same_site: str,
    seconds: int | None = None,
) -> None:
    """Set a cookie that no script reads. It ends with the browser, or after so many seconds."""
    response.set_cookie(
        name(settings, base),
        value,
        httponly=True,
        secure=settings.secure,
        samesite=same_site,
        path="/",
        max_age=seconds,
    )


def drop(response: Response, settings: Settings, base: str) -> None:
    """Remove a cookie."""
    response.delete_cookie(
        name(settings, base), path="/", secure=settings.secure, httponly=True, samesite="Strict"
    )


def init_app(app: Flask, settings: Settings) -> None:
    """Configure the cookie that ties forms to a browser; of a person a public identifier at most."""
    app.config.update(
        SESSION_COOKIE_NAME=name(settings, FORM),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )

"""By which names the site may be asked for, and over what.

A visitor chooses the `Host` header. One that is not the site's own reaches no page and no address that a page
or a redirect shows.
"""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, redirect, request
from flask.wrappers import Request
from werkzeug.exceptions import SecurityError
from werkzeug.routing import MapAdapter
from werkzeug.wrappers import Response

from backoffice.settings import Settings

SCHEMES = frozenset({"http", "https"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A load balancer asks each machine for its health by the machine's own address; who collects figures, too.
ASKED_BY_ADDRESS = frozenset({"/healthz", "/readyz", "/metrics"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")


class HostedFlask(Flask):
    """A Flask application that answers under its own names only; to others as if they could not be read."""

    own_hosts: Collection[str] = LOOPBACK

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself, if it is not asynchronous; Flask looks at each anew for each page."""
        return super().ensure_sync(func) if _is_asynchronous(func) else func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """The routes for a request. Raises `SecurityError`, a 400, for a host or scheme not ours."""
        if request is None:
            return super().create_url_adapter(request)
        if request.path in ASKED_BY_ADDRESS:
            return self.url_map.bind("localhost", path_info=request.path, default_method=request.method)
        # A proxy may pass on any scheme that it is told, and redirects and links would lead there.
        if request.scheme not in SCHEMES or not is_own(request.host, self.own_hosts):
            raise SecurityError
        return super().create_url_adapter(request)


@lru_cache(maxsize=1_000)
def _is_asynchronous(func: Callable[..., Any]) -> bool:
    return iscoroutinefunction(func)


def own_hosts(base_url: str) -> Collection[str]:
    """The names under which people reach the site; on this machine all that mean it."""
    host = urlsplit(base_url).hostname or ""
    host = f"[{host}]" if ":" in host else host
    return {host} | LOOPBACK if host in LOOPBACK else {host}


def is_own(host: str, own: Collection[str]) -> bool:
    """Whether a `Host` header names one of these, on whatever port."""
    found = _HOST.fullmatch(host.casefold())
    return found is not None and found.group(1) in own


def init_app(app: HostedFlask, settings: Settings) -> None:
    """Answer under the names of the settings' address, and over https where the address says so."""
    app.own_hosts = own_hosts(settings.base_url)
    if not (settings.secure and settings.proxy_hops):
        # Without a proxy that is believed nobody says how the request came.
        return

    @app.before_request
    def _https_only() -> Response | None:
        told = "X-Forwarded-Proto" in request.headers
        if not told or request.is_secure or request.path in ASKED_BY_ADDRESS:
            return None
        if isinstance(request.routing_exception, SecurityError):
            # The address that was asked for is not ours: it is refused, and nobody is sent there.
            return None
        if request.method not in {"GET", "HEAD"}:
            # What the form held has been sent in the clear; repeating it elsewhere would hide that.
            abort(400)
        return redirect(request.url.replace("http://", "https://", 1), 308)

"""A live server over the module's database, and browsers that notice every complaint."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from backoffice.app import build
from backoffice.runtime import Runtime
from tests.browser.broken import break_pages
from tests.browser.chromium import FLAGS, chromium, pytest_terminal_summary
from tests.browser.site import DESK, Site, Watch
from tests.factories.vouching import vouching
from tests.factories.world import World

__all__ = ["pytest_terminal_summary"]  # a hook of pytest's

PATIENCE = 10_000  # milliseconds; a page takes some hundred on one core


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(runtime: Runtime, world: World) -> Iterator[Site]:
    """The application on a free port of the loopback, told its own address as in production."""
    server = make_server("localhost", 0, Flask("starting"), threaded=True)
    address = f"http://localhost:{server.server_port}"
    settings = runtime.settings.model_copy(update={"base_url": address})
    server.app = build(replace(runtime, settings=settings))
    break_pages(server.app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    with vouching() as google:
        yield Site(address, world, server.app, google)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def watch() -> Watch:
    """What the browsers of this test complained about."""
    return Watch()


@pytest.fixture
def visit(browser: Browser, site: Site, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Open a fresh browser profile, signed in as `role` if one is named.

    At the end of the test everything closes, and no page may have complained: no error or warning in
    the console, no violation of the content security policy, no failed request.
    """
    contexts = []

    def opened(role: str | None = None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESK, "base_url": site.address, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        watch.over(context)
        if role:
            token = site.world.token(role)
            context.add_cookies([{"name": "account", "value": token, "url": site.address}])
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert not watch.complaints


@pytest.fixture(scope="module")
def tab(browser: Browser, site: Site) -> Iterator[tuple[Page, Watch]]:
    """One tab for all pages, and what it complains about: it starts once, and styles and axe stay with it."""
    # Colours that are still on their way from light to dark have no contrast of their own.
    context = browser.new_context(viewport=DESK, base_url=site.address, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    watch = Watch()
    watch.over(context)
    page = context.new_page()
    # A page that looks again by itself would go from under the checks.
    page.add_init_script("window.setInterval = () => 0")
    yield page, watch
    context.close()


@pytest.fixture
def come(tab: tuple[Page, Watch], site: Site) -> Iterator[Callable[[str | None], Page]]:
    """Come as somebody whom the tab does not know yet; it may not complain.

    The pages keep nothing in a browser but cookies.
    """
    page, watch = tab
    page.context.clear_cookies()
    page.set_viewport_size(DESK)

    def opened(role: str | None) -> Page:
        if role:
            token = site.world.token(role)
            page.context.add_cookies([{"name": "account", "value": token, "url": site.address}])
        return page

    yield opened
    page.goto("about:blank")
    complaints, watch.complaints = watch.complaints, []
    assert not complaints

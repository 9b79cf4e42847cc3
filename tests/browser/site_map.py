"""Which page of the application an address leads to, and what of its site map is no page."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException

FILE = "answers with a file"
DATA = "answers a program, with data"
AS_IT_IS = "shows a mail as whoever gets it sees it"
LEADS_ON = "shows nothing itself and leads to a page"
WITH_STRIPE = "opens where a Stripe is connected: test_without_a_card.py looks at it"
# Endpoints that answer a GET and have nothing that somebody sees, by patterns of their names.
NO_PAGES: Mapping[str, str] = {
    "static": FILE,
    "*.static": FILE,
    "*.export": FILE,
    "*.import_blank": FILE,
    "*.import_current": FILE,
    "console_class_entry.poster": FILE,
    "console_class_points.report": FILE,
    "console_class_points.reports": FILE,
    "plugin_rosters_rosters.problems": FILE,
    "receipts.document": FILE,
    "receipts.on_paper": FILE,
    "exports.fetch": FILE,
    "console_reports.mail": FILE,
    "plugin_notifications_notices.mail": AS_IT_IS,
    "plugin_notifications_notices.letter": FILE,
    "plugin_notifications_notices.paper": FILE,
    "accounts.passkey_*": DATA,
    "trust.json": DATA,
    "privacy.json": DATA,
    "retention.json": DATA,
    "web.figures": DATA,
    "web.healthz": DATA,
    "web.readyz": DATA,
    # What somebody looks for travels in a form: who asks without one is led to the list.
    "*.search": LEADS_ON,
    "*.narrow": LEADS_ON,
    "families.scanned": LEADS_ON,
    "language.choose": LEADS_ON,
    "providers.begin": LEADS_ON,
    "providers.link": LEADS_ON,
    # Which letters: tests/browser/test_drill.py looks at it.
    "plugin_notifications_notices.posted": LEADS_ON,
    # A draft is not handed in: tests/plugins/notifications/authorities looks at it.
    "plugin_notifications_notices.handed_in": LEADS_ON,
    "students.held_up": LEADS_ON,
    "plugin_billing_billing.bought": LEADS_ON,
    "plugin_billing_billing.invoice": LEADS_ON,
    "plugin_billing_billing.quote": FILE,
    "plugin_billing_billing.order_file": FILE,
    "plugin_billing_billing.certificate_file": FILE,
    "plugin_billing_billing.paid": WITH_STRIPE,
    "plugin_billing_billing.order": WITH_STRIPE,
    "students.scanned": LEADS_ON,
}


def endpoint_of(app: Flask, address: str) -> str | None:
    """The endpoint that answers a browser that asks for this address; None where there is none."""
    try:
        endpoint, _values = app.url_map.bind("localhost").match(urlsplit(address).path, method="GET")
    except HTTPException:
        return None
    return str(endpoint)


def is_page(endpoint: str) -> bool:
    """Whether there is something to see, as far as `NO_PAGES` knows."""
    return not any(fnmatchcase(endpoint, pattern) for pattern in NO_PAGES)


def answering(app: Flask) -> set[str]:
    """Every endpoint that answers a GET."""
    return {str(rule.endpoint) for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}

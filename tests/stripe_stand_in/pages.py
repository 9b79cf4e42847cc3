"""The pages that people see. Each says that it is a stand-in, and that nothing is paid."""

from html import escape
from urllib.parse import parse_qsl

from tests.stripe_stand_in import cards, checkout, invoicing, lifecycle, periods, portal, products
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.api import Answer
from tests.stripe_stand_in.errors import Obj, Refused

HINT = (
    "Test cards: 4242 4242 4242 4242 pays; 4000 0000 0000 0341 pays now and fails later; "
    "4000 0000 0000 0002 is declined."
)
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 42rem; margin: 0 auto; padding: 1rem; }
.stand-in { border: 2px dashed; padding: .5rem 1rem; font-weight: 600; }
.problem { border-left: 4px solid; padding-left: 1rem; font-weight: 600; }
label, input, select, button { display: block; font: inherit; }
input, select { box-sizing: border-box; width: 100%; min-height: 44px; margin-bottom: .75rem; }
button { min-height: 44px; padding: 0 1.25rem; margin: .25rem 0 1rem; }
section { border-top: 1px solid; margin-top: 1rem; padding-top: .5rem; }
a { display: inline-block; min-height: 44px; line-height: 44px; }
"""


def money(cents: int, currency: str = "usd") -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) / 100:.2f} {currency.upper()}"


def html(title: str, body: str, *, status: int = 200) -> Answer:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - Stripe stand-in'
        "</title>"
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f'<body><main><p class="stand-in">Stripe stand-in: nothing is paid here</p><h1>{escape(title)}</h1>'
        f"{body}</main></body></html>"
    )
    return Answer(status, text.encode(), {"Content-Type": "text/html; charset=utf-8"})


def see(address: str) -> Answer:
    return Answer(303, b"", {"Location": address})


def problem(text: str | None) -> str:
    return f'<p class="problem" role="alert">{escape(text)}</p>' if text else ""


def entry(name: str, label: str, value: str = "", kind: str = "text", more: str = "") -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}" {more}>'
    )


CARD = f"{entry('card_number', 'Card number', more='inputmode=numeric autocomplete=off')}<p>{HINT}</p>"


def answer(account: Account, method: str, path: str, body: bytes) -> Answer:
    """The page of an address; 404 for one that is none."""
    given = dict(parse_qsl(body.decode(), keep_blank_values=True)) if method == "POST" else {}
    steps = path.strip("/").split("/")
    with account.lock:
        if steps[:2] == ["c", "pay"] and len(steps) == 3:
            return _checkout(account, method, steps[2], given)
        if steps[:2] == ["p", "session"] and len(steps) in (3, 4):
            return _portal(account, method, steps[2], steps[3] if len(steps) == 4 else "", given)
        if steps[0] == "i" and len(steps) in (2, 3):
            return _invoice(account, method, steps[1], steps[2] if len(steps) == 3 else "", given)
        if path == "/":
            return html("Stripe stand-in", "<p>Tests and the demo talk to this instead of Stripe.</p>")
    return html("Nothing here", "<p>This address has no page.</p>", status=404)


def _checkout(account: Account, method: str, identifier: str, given: dict[str, str]) -> Answer:
    session = account.find("checkout.session", identifier)
    if session is None:
        return html("Nothing here", "<p>There is no such checkout.</p>", status=404)
    if session["status"] != "open":
        return html("This checkout is over", f"<p>It is {escape(session['status'])}.</p>", status=410)
    if method != "POST":
        return html("Checkout", _checkout_form(account, session, None))
    try:
        checkout.pay(account, session, given)
    except Refused as refused:
        return html("Checkout", _checkout_form(account, session, str(refused)), status=402)
    return see(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _checkout_form(account: Account, session: Obj, refused: str | None) -> str:
    aside = account.aside[session["id"]]
    parts = [problem(refused), "<ul>"]
    for one in aside["items"]:
        price = one["price"]
        parts.append(
            f"<li>{one['quantity']} × {escape(products.name_of(account, price))}: "
            f"{money(price['unit_amount'] * one['quantity'], price['currency'])} "
            f"a {price['recurring']['interval']}</li>"
        )
    parts.append("</ul>")
    if aside["trial"]:
        parts.append(f"<p>Free until {periods.day(aside['trial'])}.</p>")
    parts.append(f"<p>Due now: <strong>{money(session['amount_total'], session['currency'])}</strong></p>")
    parts.append('<form method="post">')
    for n, one in enumerate(aside["items"]):
        if one["adjustable"]:
            parts.append(entry(f"quantity_{n}", "Quantity", str(one["quantity"]), "number"))
    if not session["customer"]:
        parts.append(entry("email", "E-mail", session["customer_email"] or "", "email"))
    if aside["tax_ids"]:
        parts.append(entry("business_name", "Business name") + entry("tax_id", "Tax number (US EIN)"))
    if session["allow_promotion_codes"]:
        parts.append(entry("promotion_code", "Promotion code"))
    parts.append(f"{CARD}<button>Subscribe</button></form>")
    if session["cancel_url"]:
        parts.append(f'<a href="{escape(session["cancel_url"])}">Back</a>')
    return "".join(parts)


def _portal(account: Account, method: str, secret: str, action: str, given: dict[str, str]) -> Answer:
    session = portal.session_of(account, secret)
    if session is None:
        return html("Nothing here", "<p>There is no such session.</p>", status=404)
    if method != "POST":
        return html("Your subscription", _portal_body(account, session, secret, None))
    do = portal.ACTIONS.get(action)
    if do is None:
        return html("Nothing here", "<p>There is nothing to do at this address.</p>", status=404)
    try:
        do(account, session, given)
    except Refused as refused:
        body = _portal_body(account, session, secret, str(refused))
        return html("Your subscription", body, status=refused.status)
    return see(f"/p/session/{secret}")


def _portal_body(account: Account, session: Obj, secret: str, refused: str | None) -> str:
    features = portal.features(account, session)
    mine = [
        one
        for one in account.tables["subscription"].values()
        if one["customer"] == session["customer"] and one["status"] not in lifecycle.ENDED
    ]
    parts = [problem(refused)]
    parts += [_portal_part(account, one, secret, features) for one in mine] or ["<p>Nothing runs.</p>"]
    if features["payment_method_update"]["enabled"]:
        parts.append(
            f'<section><h2>Card</h2><form method="post" action="/p/session/{secret}/card">{CARD}'
            "<button>Use this card</button></form></section>"
        )
    if features["invoice_history"]["enabled"]:
        parts.append("<section><h2>Invoices</h2><ul>")
        for one in reversed(account.tables["invoice"].values()):
            if one["customer"] == session["customer"] and one["number"]:
                parts.append(
                    f'<li><a href="{escape(one["hosted_invoice_url"])}">{escape(one["number"])}</a> '
                    f"{money(one['total'], one['currency'])}, {escape(one['status'])}</li>"
                )
        parts.append("</ul></section>")
    if session["return_url"]:
        parts.append(f'<a href="{escape(session["return_url"])}">Return</a>')
    return "".join(parts)


def _portal_part(account: Account, one: Obj, secret: str, features: Obj) -> str:
    item = one["items"]["data"][0]
    hidden = f'<input type="hidden" name="subscription" value="{one["id"]}">'
    end = periods.day(item["current_period_end"])
    ends = ", ends then" if one["cancel_at_period_end"] else ""
    parts = [
        f"<section><h2>{escape(products.name_of(account, item['price']))}</h2>",
        f"<p>{item['quantity']} until {end}, {escape(one['status'])}{ends}</p>",
    ]

    def form(action: str, inside: str, button: str) -> None:
        parts.append(
            f'<form method="post" action="/p/session/{secret}/{action}">{hidden}{inside}'
            f"<button>{button}</button></form>"
        )

    update = features["subscription_update"]
    if update["enabled"] and "quantity" in update["default_allowed_updates"]:
        name = f'<label>Seats<input name="quantity" type="number" min="1" value="{item["quantity"]}"></label>'
        form("seats", name, "Change the seats")
    if one["cancel_at_period_end"]:
        form("renew", "", "Keep it after all")
    elif features["subscription_cancel"]["enabled"]:
        form("cancel", "", f"End it on {end}")
    if features["subscription_cancel"]["enabled"]:
        form("cancel", '<input type="hidden" name="when" value="now">', "End it at once")
    return "".join([*parts, "</section>"])


def _invoice(account: Account, method: str, secret: str, part: str, given: dict[str, str]) -> Answer:
    invoice = account.find("invoice", account.aside["hosted"].get(secret))
    if invoice is None or part not in {"", "pdf"}:
        return html("Nothing here", "<p>There is no such invoice.</p>", status=404)
    if part == "pdf":
        return Answer(200, pdf(_texts(account, invoice)), {"Content-Type": "application/pdf"})
    refused = None
    if method == "POST" and invoice["status"] == "open":
        try:
            _pay(account, invoice, given)
        except Refused as problem_met:
            refused = str(problem_met)
        else:
            return see(f"/i/{secret}")
    body = problem(refused) + "".join(f"<p>{escape(line)}</p>" for line in _texts(account, invoice)[1:])
    body += f'<a href="/i/{secret}/pdf">Download as PDF</a>'
    if invoice["status"] == "open":
        due = money(invoice["amount_due"], invoice["currency"])
        body += f'<form method="post">{CARD}<button>Pay {due}</button></form>'
    return html(f"Invoice {invoice['number']}", body, status=402 if refused else 200)


def _pay(account: Account, invoice: Obj, given: dict[str, str]) -> None:
    number = cards.read(given.get("card_number", ""))
    customer = account.get("customer", invoice["customer"], param="customer")
    method = cards.make(account, number)
    if not cards.CARDS[number].declined:
        cards.attach(account, method, customer)
    if reason := invoicing.attempt(account, invoice, present=True, method=method):
        raise cards.declined(reason)


def _texts(account: Account, invoice: Obj) -> list[str]:
    lines = [
        f"Stripe stand-in: no real invoice. {invoice['number']}",
        f"Status: {invoice['status']}",
        f"To: {invoice['customer_name'] or invoice['customer_email'] or ''}",
    ]
    lines += [f"{one['name']}: {one['value']}" for one in invoice["custom_fields"] or []]
    lines += [
        f"{line['description']}: {money(line['amount'], invoice['currency'])}"
        for line in invoice["lines"]["data"]
    ]
    lines.append(f"Total: {money(invoice['total'], invoice['currency'])}")
    lines.append(f"Due: {money(invoice['amount_due'], invoice['currency'])}")
    if invoice["due_date"]:
        lines.append(f"Until: {periods.day(invoice['due_date'])}")
    if invoice["footer"]:
        lines.append(invoice["footer"])
    return lines


def pdf(lines: list[str]) -> bytes:
    """One page with a line of text each; letters beyond Latin-1 become question marks."""
    plain = str.maketrans("()\\", "[]/")
    shown = "".join(
        f"({line.encode('latin-1', 'replace').decode('latin-1').translate(plain)}) Tj T*\n" for line in lines
    )
    stream = f"BT /F1 11 Tf 50 780 Td 16 TL\n{shown}ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for n, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)

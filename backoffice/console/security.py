"""Security events in the console, for founders: what happened to which account, until somebody closes it."""

from collections.abc import Sequence
from typing import Any

from flask import g
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from backoffice.access.lookup import find
from backoffice.access.permissions import SECURITY_CLOSE, SECURITY_READ
from backoffice.access.transaction import Transaction
from backoffice.accounts.care.models import EventKind, SecurityEvent
from backoffice.accounts.care.services import events
from backoffice.console.grid import Cell, Column, Grid, Row, moment
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import EmptyFilter, Few
from backoffice.language.texts import gettext, lazy
from backoffice.web.identity import reading
from backoffice.web.offered import Where, offered
from backoffice.web.resend import shows_what_was_typed

CRUMB = {"title": lazy("Security"), "url": "/console/security/"}
WORDS = {
    EventKind.NOT_ME: lazy("Locked: “this was not me”"),
    EventKind.SUSPENDED: lazy("Suspended"),
    EventKind.DORMANT: lazy("Locked, not used for 90 days"),
    EventKind.CODES_REFUSED: lazy("Many wrong codes after the right password"),
    EventKind.GUESSED: lazy("Somebody guesses at the password"),
    EventKind.RESET_REFUSED: lazy("The reset of a second factor was refused"),
}


class CloseForm(FlaskForm):
    """What a founder found."""

    note = TextAreaField(
        lazy("What you found and did"),
        [DataRequired(lazy("Write what you found.")), Length(max=events.LONGEST_NOTE)],
        description=lazy("Kept sealed for six months. Name no child."),
    )


class SecurityGrid(Grid):
    """What founders are to look at, the newest first."""

    entity = SecurityEvent
    doors = {
        "index": SECURITY_READ,
        "details": SECURITY_READ,
        "close": SECURITY_CLOSE,
        "export": SECURITY_READ,
    }
    icon = "lock"
    title = lazy("Security")
    category = lazy("Operations")
    address = "security"
    noun = (lazy("event"), lazy("events"))
    newest_first = True
    columns = (
        Column("kind", lazy("What happened")),
        Column(
            "opened_at", lazy("When"), sort=By(SecurityEvent.id, ("pk_security_event",), latest_first=True)
        ),
        Column("account", lazy("Account")),
        Column("state", lazy("State")),
    )

    filters = (
        EmptyFilter(
            "state",
            lazy("State"),
            column=SecurityEvent.closed_at,
            empty=("open", lazy("Open")),
            filled=("closed", lazy("Closed")),
            carried_by=Few(lazy("one open event for each account and kind, and those of six months")),
            at_hand=True,
        ),
    )

    def rows(self, tx: Transaction, things: Sequence[SecurityEvent]) -> list[Row]:
        """What happened, when, to which account, and whether it is closed."""
        del tx
        return [
            Row(
                event.public_id,
                f"/console/security/{event.public_id}",
                (
                    Cell(WORDS[EventKind(event.kind)]),
                    moment(event.opened_at, g.zone),
                    Cell(event.account_public_id, url=f"/console/accounts/{event.account_public_id}"),
                    Cell(gettext("Closed"), "badge", tone="mute")
                    if event.closed_at
                    else Cell(gettext("Open"), "badge", tone="warn"),
                ),
            )
            for event in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """What the page is for."""
        del tx
        return {
            "description": gettext("Look at each, do what is needed, and close it with a note."),
            "empty": {
                "title": gettext("Nothing to look at"),
                "sentence": gettext("Events appear here when an account is locked, suspended or attacked."),
                "url": None,
                "action": None,
                "icon": "lock",
            },
        }

    @expose("/<event:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """One event, and what was found."""
        event = find(reading(), SecurityEvent, public_id, permission=SECURITY_READ)
        return self.render(
            "console/security_event.html",
            event={
                "public_id": event.public_id,
                "kind": WORDS[EventKind(event.kind)],
                "opened": event.opened_at,
                "closed": event.closed_at,
                "account": event.account_public_id,
                "note": event.note,
            },
            may_close=self.opens("close"),
            offered=offered(reading(), Where.SECURITY_EVENT, event),
            crumbs=[CRUMB, {"title": WORDS[EventKind(event.kind)]}],
        )

    @expose("/<event:public_id>/close", methods=("GET", "POST"))
    @shows_what_was_typed
    def close(self, public_id: str) -> str | Response | tuple[str, int]:
        """Close an event with a note."""
        event = find(reading(), SecurityEvent, public_id, permission=SECURITY_CLOSE)
        kind, form = WORDS[EventKind(event.kind)], CloseForm()

        def save() -> str:
            events.close_event(principal=self.who, event=public_id, note=form.note.data or "")
            return "/console/security/"

        return self.form_page(
            form,
            save=save,
            said=gettext("The event is closed."),
            heading=gettext("Close this event"),
            intro=kind,
            submit_title=gettext("Close it"),
            cancel_url=f"/console/security/{public_id}",
            crumbs=[
                CRUMB,
                {"title": kind, "url": f"/console/security/{public_id}"},
                {"title": gettext("Close")},
            ],
        )

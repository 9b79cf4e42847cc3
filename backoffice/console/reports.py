"""What was reported, in the console: founders look at each and close it with what it was."""

from collections.abc import Sequence
from typing import Any

from flask import Response as FlaskResponse
from flask import g
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, Length

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import REPORTS_CLOSE, REPORTS_READ
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.grid import Cell, Column, Grid, Row, moment
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import EmptyFilter, Few
from backoffice.language.texts import gettext, lazy
from backoffice.reports import services
from backoffice.reports.forms import KINDS
from backoffice.reports.mail_file import look_into
from backoffice.reports.models import Finding, Report, ReportKind
from backoffice.web.identity import done_reading, reading
from backoffice.web.offered import Where, offered
from backoffice.web.resend import shows_what_was_typed

HERE = "/console/reports/"
CRUMB = {"title": lazy("Reports"), "url": HERE}
FINDINGS = {
    Finding.FAKE: lazy("A fake, by somebody else"),
    Finding.OURS: lazy("A fault of ours"),
    Finding.HARMLESS: lazy("Nothing wrong"),
    Finding.SPAM: lazy("No report at all"),
}


class CloseForm(FlaskForm):
    """What a founder found."""

    finding = RadioField(
        lazy("What it was"),
        [DataRequired(services.FOUND)],
        choices=[SelectChoice(each.value, words) for each, words in FINDINGS.items()],
    )
    note = TextAreaField(
        lazy("What you found and did"),
        [DataRequired(services.NOTE_IT), Length(max=services.LONGEST_NOTE)],
        description=lazy("Kept sealed for six months. Name no child."),
    )


class ReportsGrid(Grid):
    """What was reported, the newest first."""

    entity = Report
    doors = {
        "index": REPORTS_READ,
        "details": REPORTS_READ,
        "mail": REPORTS_CLOSE,
        "close": REPORTS_CLOSE,
        "export": REPORTS_READ,
    }
    icon = "alert"
    title = lazy("Reports")
    category = lazy("Operations")
    address = "reports"
    noun = (lazy("report"), lazy("reports"))
    newest_first = True
    columns = (
        Column("kind", lazy("What it is about")),
        Column("reported_at", lazy("When"), sort=By(Report.id, ("pk_report",), latest_first=True)),
        Column("finding", lazy("What it was")),
        Column("state", lazy("State")),
    )
    filters = (
        EmptyFilter(
            "state",
            lazy("State"),
            column=Report.closed_at,
            empty=("open", lazy("Open")),
            filled=("closed", lazy("Closed")),
            carried_by=Few(lazy("those of six months")),
            at_hand=True,
        ),
    )
    commands = (
        Command(lazy("Look at reports"), "index", "reports/", also=lazy("suspicious fake phishing mail")),
    )

    def rows(self, tx: Transaction, things: Sequence[Report]) -> list[Row]:
        """What each is about, when it came, and what it was."""
        del tx
        return [
            Row(
                each.public_id,
                f"{HERE}{each.public_id}",
                (
                    Cell(KINDS[ReportKind(each.kind)]),
                    moment(each.reported_at, g.zone),
                    Cell(FINDINGS[Finding(each.finding)] if each.finding else ""),
                    Cell(gettext("Closed"), "badge", tone="mute")
                    if each.closed_at
                    else Cell(gettext("Open"), "badge", tone="warn"),
                ),
            )
            for each in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """What the page is for."""
        del tx
        return {
            "description": gettext("Look at each within three days, and close it with what it was."),
            "empty": {
                "title": gettext("Nothing was reported"),
                "sentence": gettext("What anybody reports at /report stands here."),
                "url": None,
                "action": None,
                "icon": "alert",
            },
        }

    @expose("/<report:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """One report, the mail that came with it, and what was found."""
        row = find(reading(), Report, public_id, permission=REPORTS_READ)
        mail = row.mail if self.opens("mail") else None
        return self.render(
            "console/report.html",
            report={
                "public_id": row.public_id,
                "kind": KINDS[ReportKind(row.kind)],
                "said": row.said,
                "contact": row.contact,
                "signed_in": row.account_id is not None,
                "by_school": row.by_school,
                "at": row.reported_at,
                "closed": row.closed_at,
                "finding": FINDINGS[Finding(row.finding)] if row.finding else None,
                "note": row.note,
            },
            has_mail=mail is not None,
            mail=look_into(mail) if mail else None,
            may_close=self.opens("close"),
            offered=offered(reading(), Where.REPORT, row),
            crumbs=[CRUMB, {"title": KINDS[ReportKind(row.kind)]}],
        )

    @expose("/<report:public_id>/mail", methods=("GET",))
    def mail(self, public_id: str) -> FlaskResponse:
        """The mail that came with a report, as it came: never shown by a browser."""
        done_reading()
        mail = services.mail_of(principal=self.who, report=public_id)
        if mail is None:
            raise NotFound
        return FlaskResponse(
            mail,
            mimetype="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="report-{public_id}.eml"'},
        )

    @expose("/<report:public_id>/close", methods=("GET", "POST"))
    @shows_what_was_typed
    def close(self, public_id: str) -> str | Response | tuple[str, int]:
        """Close a report with what it was."""
        row = find(reading(), Report, public_id, permission=REPORTS_CLOSE)
        kind, form = KINDS[ReportKind(row.kind)], CloseForm()

        def save() -> str:
            services.close_report(
                principal=self.who,
                report=public_id,
                finding=form.finding.data or "",
                note=form.note.data or "",
            )
            return HERE

        return self.form_page(
            form,
            save=save,
            said=gettext("The report is closed."),
            heading=gettext("Close this report"),
            intro=kind,
            submit_title=gettext("Close the report"),
            cancel_url=f"{HERE}{public_id}",
            crumbs=[CRUMB, {"title": kind, "url": f"{HERE}{public_id}"}, {"title": gettext("Close")}],
        )

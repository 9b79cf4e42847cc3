"""The inbox: what somebody was told, and what waits for an answer of a teacher or leader."""

from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import flash, redirect
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, TextAreaField
from wtforms.validators import DataRequired, Length

from backoffice import clock
from backoffice.access.permissions import CONSOLE_ENTER, GUARDIANS_APPROVE, REQUESTS_ANSWER, WORRIES_ANSWER
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console.guard import GuardedView
from backoffice.families.requests import queries as request_queries
from backoffice.families.requests import services as requests
from backoffice.families.requests.models import RequestKind
from backoffice.families.requests.queries import Asked
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.messages import showing
from backoffice.messages.queries import AT_A_GLANCE
from backoffice.reports.forms import SomethingWrong, said_field
from backoffice.reports.models import ReportKind
from backoffice.students.worries import queries, services
from backoffice.students.worries.models import GoesTo, WorryKind
from backoffice.students.worries.queries import Told
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.resend import shows_what_was_typed

# From when on a request that waits is warned of, in days.
SOON = 7
ASKED = {RequestKind.CORRECT: lazy("Please correct something"), RequestKind.DELETE: lazy("Please delete")}
CRUMB = {"title": lazy("Inbox"), "url": "/console/inbox/"}
# What a report most likely is about, by what the child tapped.
ABOUT = {WorryKind.STRANGE: ReportKind.MESSAGE, WorryKind.AS_ME: ReportKind.TAKEN}
WORDS = {
    WorryKind.UNKIND: lazy("Somebody is mean to me"),
    WorryKind.STRANGE: lazy("I saw something strange"),
    WorryKind.AS_ME: lazy("Somebody came in as me"),
    WorryKind.OTHER: lazy("Something else"),
}


class WorryForm(FlaskForm):
    """What was done about something that a child told."""

    answer = TextAreaField(
        lazy("What you did"),
        [DataRequired(services.WRITE_IT), Length(max=services.LONGEST_ANSWER)],
        description=lazy(
            "Kept sealed for six months. The child does not see it: speak with the child yourself."
        ),
    )


class PassOnForm(SomethingWrong):
    """What is wrong with the app, in the words of whoever passes it on."""

    said = said_field(
        lazy("What is wrong with the app, in your words"),
        lazy("What, where in the app, and when. Name no child, and write no code or PIN."),
    )
    may_ask = BooleanField(
        lazy("You may ask me by mail"),
        description=lazy("Your e-mail address goes along. Without it nobody can ask you anything."),
    )


class AnswerForm(FlaskForm):
    """What is answered to a parent."""

    answer = TextAreaField(
        lazy("Your answer"),
        [DataRequired(requests.WRITE_ANSWER), Length(max=requests.LONGEST_ANSWER)],
        description=lazy(
            "Say what was done. It is mailed to the parent and stands on their page."
            " Do not name the child in it."
        ),
    )


class InboxPage(GuardedView):
    """What somebody was told; for whoever answers, what children told and parents ask, and the answers."""

    title = lazy("Inbox")
    category = lazy("Teaching")
    address = "inbox"
    icon = "inbox"
    counts_unread = True
    doors = {
        "index": CONSOLE_ENTER,
        "worry": WORRIES_ANSWER,
        "take_up": WORRIES_ANSWER,
        "close": WORRIES_ANSWER,
        "pass_on": WORRIES_ANSWER,
        # A school's sole teacher without a class answers parents alone.
        "request": REQUESTS_ANSWER,
        "answer": REQUESTS_ANSWER,
    }

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The newest messages; what waits, the oldest first, and what was closed last."""
        tx = reading()
        waits = self._waiting(tx) if can(self.who, REQUESTS_ANSWER) else {}
        return self.render(
            "console/inbox/inbox.html",
            messages=showing.listed(tx, most=AT_A_GLANCE),
            answers=bool(waits),
            **waits,
        )

    def _waiting(self, tx: Transaction) -> dict[str, Any]:
        zone = ZoneInfo(self.who.time_zone)
        return {
            "worries": [_shown(each) for each in queries.waiting(tx)],
            "worries_waiting": queries.count_waiting(tx),
            "requests_waiting": request_queries.count_waiting(tx),
            "closed": [_shown(each) for each in queries.closed(tx)],
            "requests": [_of_parent(each, zone) for each in request_queries.waiting(tx)],
            "answered": [_of_parent(each, zone) for each in request_queries.answered(tx)],
            "parents": request_queries.count_parents_waiting(tx) if can(self.who, GUARDIANS_APPROVE) else 0,
        }

    @expose("/worries/<worry:public_id>", methods=("GET",))
    def worry(self, public_id: str) -> str:
        """One thing that a child told, and what became of it."""
        return self._worry_page(public_id, WorryForm())

    @expose("/worries/<worry:public_id>/take-up", methods=("POST",))
    def take_up(self, public_id: str) -> Response:
        """Say that somebody looks after it."""
        done_reading()
        services.take_up(principal=self.who, worry=public_id)
        flash(gettext("The others see now that somebody looks after it."), "success")
        return redirect(f"/console/inbox/worries/{public_id}", 303)

    @expose("/worries/<worry:public_id>/close", methods=("POST",))
    def close(self, public_id: str) -> str | Response | tuple[str, int]:
        """Close it with a note."""
        shown = _shown(queries.told(reading(), public_id))
        form = WorryForm()

        def save() -> str:
            services.close(principal=self.who, worry=public_id, answer=form.answer.data or "")
            return CRUMB["url"]

        return self.form_page(
            form,
            save=save,
            said=gettext("Closed. The note is kept for six months."),
            **_context(shown),
        )

    @expose("/worries/<worry:public_id>/pass-on", methods=("GET", "POST"))
    @shows_what_was_typed
    def pass_on(self, public_id: str) -> str | Response | tuple[str, int]:
        """Report to us what is wrong with the app, without the child's words and name."""
        told, form = queries.told(reading(), public_id), PassOnForm()
        shown = _shown(told)
        if told.worry.passed_on_at is not None:
            return redirect(shown["url"], 303)
        form.form.data = form.form.data or str(uuid4())
        if form.kind.data is None:
            form.kind.data = ABOUT.get(WorryKind(told.worry.kind), ReportKind.OTHER)

        def save() -> str:
            services.pass_on(
                principal=self.who,
                worry=public_id,
                kind=form.kind.data or "",
                said=form.said.data or "",
                may_ask=bool(form.may_ask.data),
                form=form.form.data or "",
                throttles=settings().throttles,
            )
            return str(shown["url"])

        return self.form_page(
            form,
            save=save,
            said=gettext("Passed on. We look into it, as into every report."),
            heading=gettext("Pass on what is wrong with the app"),
            intro=gettext(
                "Only what you write here goes to the company that runs this app: not what the child wrote,"
                " and neither the name of the child nor of the class. What concerns the child stays with you."
            ),
            submit_title=gettext("Pass it on"),
            cancel_url=shown["url"],
            crumbs=[CRUMB, {"title": shown["title"], "url": shown["url"]}, {"title": gettext("Pass it on")}],
        )

    def _worry_page(self, public_id: str, form: FlaskForm) -> str:
        context = _context(_shown(queries.told(reading(), public_id)))
        return self.render(context.pop("template"), form=form, problem=None, **context)

    @expose("/requests/<guardian_request:public_id>", methods=("GET",))
    def request(self, public_id: str) -> str:
        """One thing that a parent asks, and its answer."""
        shown = _of_parent(request_queries.asked(reading(), public_id), ZoneInfo(self.who.time_zone))
        return self.render(
            "console/inbox/request.html", form=AnswerForm(), problem=None, **self._asked(shown)
        )

    @expose("/requests/<guardian_request:public_id>/answer", methods=("POST",))
    def answer(self, public_id: str) -> str | Response | tuple[str, int]:
        """Answer the parent."""
        shown = _of_parent(request_queries.asked(reading(), public_id), ZoneInfo(self.who.time_zone))
        form = AnswerForm()

        def save() -> str:
            requests.answer(principal=self.who, request=public_id, answer=form.answer.data or "")
            return CRUMB["url"]

        return self.form_page(
            form,
            save=save,
            said=gettext("Answered. The parent is told by mail."),
            template="console/inbox/request.html",
            **self._asked(shown),
        )

    def _asked(self, shown: dict[str, Any]) -> dict[str, Any]:
        return {
            "asked": shown,
            "own": shown["account"] == self.who.account_id,
            "crumbs": [CRUMB, {"title": shown["title"]}],
        }


def _of_parent(asked: Asked, zone: ZoneInfo) -> dict[str, Any]:
    row, now = asked.request, clock.now()
    # What is due within a day may be due tomorrow.
    left = (row.due_at.astimezone(zone).date() - now.astimezone(zone).date()).days
    if row.answered_at:
        state, tone = gettext("Answered"), "mute"
    elif now > row.due_at:
        late = -left
        state, tone = (
            ngettext("Overdue by 1 day", "Overdue by %(count)s days", late, count=late)
            if late
            else gettext("Overdue"),
            "bad",
        )
    else:
        state = (
            gettext("Due today")
            if not left
            else ngettext("1 day left", "%(count)s days left", left, count=left)
        )
        tone = "warn" if left <= SOON else "info"
    return {
        "url": f"/console/inbox/requests/{row.public_id}",
        "title": ASKED[RequestKind(row.kind)],
        "child": asked.child,
        "child_url": f"/console/students/{asked.student}" if asked.student else None,
        "parent": asked.parent,
        "account": row.account_id,
        "note": row.note,
        "asked_at": row.asked_at,
        "due_at": row.due_at,
        "answered_at": row.answered_at,
        "answer": row.answer,
        "deletes": row.kind == RequestKind.DELETE,
        "state": state,
        "tone": tone,
    }


def _context(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "template": "console/inbox/worry.html",
        "worry": shown,
        "crumbs": [CRUMB, {"title": shown["title"]}],
    }


def _shown(told: Told) -> dict[str, Any]:
    worry = told.worry
    return {
        "url": f"/console/inbox/worries/{worry.public_id}",
        "title": WORDS[WorryKind(worry.kind)],
        "child": told.child,
        "classroom": told.classroom,
        "note": worry.note,
        "for_leader": worry.goes_to == GoesTo.LEADER,
        "told_at": worry.told_at,
        "days": (clock.now() - worry.told_at).days,
        "seen_at": worry.seen_at,
        "closed_at": worry.closed_at,
        "answer": worry.answer,
        "passed_on_at": worry.passed_on_at,
        "state": gettext("Closed")
        if worry.closed_at
        else gettext("Seen")
        if worry.seen_at
        else gettext("New"),
        "tone": "mute" if worry.closed_at else "info" if worry.seen_at else "warn",
    }

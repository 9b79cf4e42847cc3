"""The inbox: what waits for an answer of a teacher or leader."""

from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from backoffice import clock
from backoffice.access.permissions import WORRIES_ANSWER
from backoffice.console.guard import GuardedView
from backoffice.students.worries import queries, services
from backoffice.students.worries.models import GoesTo, WorryKind
from backoffice.students.worries.queries import Told
from backoffice.web.identity import done_reading, reading

CRUMB = {"title": "Inbox", "url": "/console/inbox/"}
WORDS = {
    WorryKind.UNKIND: "Somebody is mean to me",
    WorryKind.STRANGE: "I saw something strange",
    WorryKind.AS_ME: "Somebody came in as me",
    WorryKind.OTHER: "Something else",
}


class WorryForm(FlaskForm):
    """What was done about something that a child told."""

    answer = TextAreaField(
        "What you did",
        [DataRequired(services.WRITE_IT), Length(max=services.LONGEST_ANSWER)],
        description="Kept sealed for six months. The child does not see it: speak with the child yourself.",
    )


class InboxPage(GuardedView):
    """What children told. The answers are written here, one by one."""

    title = "Inbox"
    category = "Teaching"
    address = "inbox"
    icon = "mail"
    doors = {
        "index": WORRIES_ANSWER,
        "worry": WORRIES_ANSWER,
        "take_up": WORRIES_ANSWER,
        "close": WORRIES_ANSWER,
    }

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """What waits, the oldest first, and what was closed last."""
        tx = reading()
        return self.render(
            "console/inbox/inbox.html",
            worries=[_shown(each) for each in queries.waiting(tx)],
            closed=[_shown(each) for each in queries.closed(tx)],
        )

    @expose("/worries/<worry:public_id>", methods=("GET",))
    def worry(self, public_id: str) -> str:
        """One thing that a child told, and what became of it."""
        return self._worry_page(public_id, WorryForm())

    @expose("/worries/<worry:public_id>/take-up", methods=("POST",))
    def take_up(self, public_id: str) -> Response:
        """Say that somebody looks after it."""
        done_reading()
        services.take_up(principal=self.who, worry=public_id)
        flash("The others see now that somebody looks after it.", "success")
        return redirect(f"/console/inbox/worries/{public_id}", 303)

    @expose("/worries/<worry:public_id>/close", methods=("POST",))
    def close(self, public_id: str) -> str | Response | tuple[str, int]:
        """Close it with a note."""
        shown = _shown(queries.told(reading(), public_id))

        def save() -> str:
            services.close(principal=self.who, worry=public_id, answer=request.form.get("answer", ""))
            return CRUMB["url"]

        return self.form_page(
            WorryForm(),
            save=save,
            said="Closed. The note is kept for six months.",
            **_context(shown),
        )

    def _worry_page(self, public_id: str, form: FlaskForm) -> str:
        context = _context(_shown(queries.told(reading(), public_id)))
        return self.render(context.pop("template"), form=form, problem=None, **context)


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
        "state": "Closed" if worry.closed_at else "Seen" if worry.seen_at else "New",
        "tone": "mute" if worry.closed_at else "info" if worry.seen_at else "warn",
    }

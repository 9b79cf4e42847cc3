"""Accounts in the console, for founders: one is found by its exact address, and its name is never shown."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import flash, g, redirect
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from backoffice.access.permissions import ACCOUNTS_FIND, ACCOUNTS_RESET, ACCOUNTS_SUSPEND
from backoffice.accounts.addresses import LONGEST
from backoffice.accounts.care.services import factor_resets, standing
from backoffice.accounts.models import AccountStatus
from backoffice.console.command import Command
from backoffice.console.forms import ConfirmForm
from backoffice.console.guard import GuardedView
from backoffice.language.moments import day_of_year
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.rejections import show_rejection

CRUMB = {"title": lazy("Accounts"), "url": "/console/accounts/"}
ROLES = {
    "founder": lazy("Founder"),
    "leader": lazy("School leader"),
    "teacher": lazy("Teacher"),
    "privacy_officer": lazy("Privacy officer"),
    "parent": lazy("Parent"),
}
STATES = {
    AccountStatus.ACTIVE: (lazy("Open"), "good"),
    AccountStatus.SUSPENDED: (lazy("Suspended"), "bad"),
    AccountStatus.LOCKED: (lazy("Locked by its owner"), "warn"),
    AccountStatus.DORMANT: (lazy("Locked, not used for 90 days"), "warn"),
    AccountStatus.NOT_INVITED: (lazy("Known from a roster, never used"), "mute"),
    AccountStatus.DEACTIVATED: (lazy("Closed by its owner"), "mute"),
}
NOT_FOUND = lazy("There is no account with exactly this address.")


class FindForm(FlaskForm):
    """The exact address of an account."""

    email = StringField(
        lazy("E-mail address"),
        [DataRequired(lazy("Write the whole address.")), Length(max=LONGEST)],
        description=lazy("As its owner told you. The look-up is noted, the address is not."),
    )


class ReasonForm(FlaskForm):
    """Why somebody is suspended."""

    reason = TextAreaField(
        lazy("Why"),
        [DataRequired(lazy("Write why.")), Length(max=standing.LONGEST_REASON)],
        description=lazy("Kept sealed. Name nobody else, and no child."),
    )


class AccountsPage(GuardedView):
    """No list: an account is found by the address that its owner tells."""

    doors = {
        "index": ACCOUNTS_FIND,
        "find": ACCOUNTS_FIND,
        "details": ACCOUNTS_FIND,
        "suspend": ACCOUNTS_SUSPEND,
        "reinstate": ACCOUNTS_SUSPEND,
        "reset_factor": ACCOUNTS_RESET,
    }
    # At the door, before the form: what was typed would be lost on the way.
    fresh = frozenset({"suspend", "reinstate", "reset_factor"})
    commands = (
        Command(lazy("Find an account"), "find", "accounts/", page="index", also=lazy("suspend reset lock")),
    )
    icon = "key"
    title = lazy("Accounts")
    category = lazy("Operations")
    address = "accounts"

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The form that finds one."""
        return self._find_page(FindForm(formdata=None))

    @expose("/", methods=("POST",))
    def find(self) -> str | Response | tuple[str, int]:
        """Find an account. The address travels in the form and is in no address, log or trail."""
        form, problem = FindForm(), None
        if form.validate_on_submit():
            done_reading()
            try:
                found = standing.look_up(principal=self.who, email=form.email.data or "")
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                if found is not None:
                    return redirect(f"/console/accounts/{found}", 303)
                form.email.errors = [NOT_FOUND]
        return self._find_page(form, problem), 422

    @expose("/<account:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """What a founder may know of an account, and what can be done about it."""
        found = standing.in_care(reading(), public_id)
        suspended = found.status is AccountStatus.SUSPENDED
        return self.render(
            "console/account.html",
            account={
                "public_id": found.public_id,
                "state": STATES.get(found.status, (found.status.capitalize(), "mute")),
                "roles": ", ".join(str(ROLES[role]) for role in ROLES if role in found.roles)
                or gettext("None"),
                "last_active": _day(found.last_active_at),
                "has_factor": found.has_factor,
                "reset_asked": _day(found.reset_asked_at) if found.reset_asked_at else None,
                "may_reset": found.may_reset and not suspended and not found.reset_asked_at,
                "suspended": suspended,
                "may_suspend": found.status is not AccountStatus.NOT_INVITED and not suspended,
                "own": found.own,
            },
            crumbs=[CRUMB, {"title": found.public_id}],
        )

    @expose("/<account:public_id>/suspend", methods=("GET", "POST"))
    def suspend(self, public_id: str) -> str | Response | tuple[str, int]:
        """Suspend an account, with a reason."""
        standing.other_in_care(reading(), public_id)
        form = ReasonForm()

        def save() -> str:
            standing.suspend_account(principal=self.who, account=public_id, reason=form.reason.data or "")
            return f"/console/accounts/{public_id}"

        return self.form_page(
            form,
            save=save,
            said=gettext("The account is suspended. Everybody is signed out of it."),
            template="console/confirm.html",
            **self._asking(
                public_id,
                gettext("Suspend this account"),
                gettext(
                    "Its owner is signed out everywhere at once and cannot sign in, in whatever role,"
                    " until you"
                    " or another founder reinstate the account."
                ),
                gettext("They are told by mail that it is suspended, and not why."),
                danger=True,
            ),
        )

    @expose("/<account:public_id>/reinstate", methods=("GET", "POST"))
    def reinstate(self, public_id: str) -> str | Response:
        """End a suspension."""
        standing.other_in_care(reading(), public_id)
        return confirmed(
            self,
            lambda: standing.reinstate_account(principal=self.who, account=public_id),
            said=gettext("The suspension has ended."),
            **self._asking(
                public_id,
                gettext("Reinstate this account"),
                gettext("Its owner can sign in again, and is told by mail."),
                gettext("A place that a school has suspended stays so until a leader there ends it."),
            ),
        )

    @expose("/<account:public_id>/reset-factor", methods=("GET", "POST"))
    def reset_factor(self, public_id: str) -> str | Response:
        """Ask that a lost second factor be taken away."""
        standing.other_in_care(reading(), public_id)
        return confirmed(
            self,
            lambda: factor_resets.ask(
                principal=self.who, account=public_id, school=None, throttles=settings().throttles
            ),
            said=RESET_ASKED,
            **self._asking(public_id, gettext("Reset the lost second factor"), *RESET_SENTENCES, danger=True),
        )

    def _find_page(self, form: FlaskForm, problem: str | None = None) -> str:
        return self.render(
            "console/form.html",
            form=form,
            problem=problem,
            heading=gettext("Find an account"),
            intro=gettext("By its exact address. You see its roles and how it stands, and no name."),
            submit_title=gettext("Find it"),
            crumbs=None,
        )

    def _asking(self, public_id: str, heading: str, *sentences: str, danger: bool = False) -> dict[str, Any]:
        return asking(
            f"/console/accounts/{public_id}",
            [CRUMB, {"title": public_id, "url": f"/console/accounts/{public_id}"}],
            heading,
            *sentences,
            danger=danger,
        )


RESET_ASKED = lazy("Its owner is asked by mail. If nobody refuses, the factor is gone a day later.")
RESET_SENTENCES = (
    lazy("Make sure that you talk to the owner of the account: call them back, or see them."),
    lazy("They get a mail at the address on file. For 24 hours anybody who reads it can refuse."),
    lazy("Then the factor is removed and everybody is signed out. The password alone lets them in again."),
    lazy("If the factor is used meanwhile, nothing happens. You are told how it ends."),
)


def asking(
    back: str, crumbs: list[dict[str, str]], heading: str, *sentences: str, danger: bool = False
) -> dict[str, Any]:
    """What the page of a question needs."""
    return {
        "heading": heading,
        "sentences": sentences,
        "danger": danger,
        "submit_title": heading,
        "cancel_url": back,
        "crumbs": [*crumbs, {"title": heading}],
    }


def confirmed(view: GuardedView, act: Callable[[], object], *, said: str, **page: Any) -> str | Response:
    """Ask before something is done; then do it, and say on the page before how that went."""
    form = ConfirmForm(confirm="yes")
    if not form.validate_on_submit():
        return view.render("console/confirm.html", form=form, problem=None, **page)
    done_reading()
    try:
        act()
    except Rejected as rejected:
        flash(rejected.in_words, "warning")
    except Throttled as throttled:
        flash(gettext("That was asked for too often. %(wait)s", wait=throttled.sentence), "warning")
    else:
        flash(said, "success")
    return redirect(page["cancel_url"], 303)


def _day(at: datetime | None) -> str:
    # No more than the day: when somebody works is not the company's business.
    return day_of_year(at.astimezone(g.zone).date()) if at else gettext("Never")

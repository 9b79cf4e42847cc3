"""A district's own system in the console: where it is called, and how the last calls went."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.permissions import SCHOOLS_CONTACT
from backoffice.console.grid import moment
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.resend import shows_what_was_typed
from plugins.notifications.beside import BesidePage
from plugins.notifications.hooks import queries, services, words
from plugins.notifications.hooks.addresses import target_of
from plugins.notifications.hooks.forms import HookForm
from plugins.notifications.hooks.models import CallState, HookCall

HERE = "/console/district-systems/"
SCHOOLS = {"title": lazy("Schools"), "url": "/console/schools/"}
Answer = str | Response | tuple[str, int]


class HooksPage(BesidePage):
    """The district's own system, for whoever leads the district as a whole, and for founders.

    Like the contacts of a district, it goes by the address of any of its schools.
    """

    doors: ClassVar = dict.fromkeys(("hook", "edit", "act"), SCHOOLS_CONTACT)
    # Calls go there from then on, and a secret is shown; the whole address, too, may hold a key.
    fresh = frozenset({"edit", "act"})
    title = lazy("The district's own system")
    address = "district-systems"
    # The menu would ask of each page who leads a district.
    known_as, begins = "hooks", "hook"

    @expose("/<school:public_id>", methods=("GET",))
    def hook(self, public_id: str) -> str:
        """What it is for, which address is called, and how the last calls went."""
        return self._page(public_id)

    @expose("/<school:public_id>/edit", methods=("GET", "POST"))
    @shows_what_was_typed
    def edit(self, public_id: str) -> Answer:
        """Set which address is called. The first time, its secret is shown."""
        tx = reading()
        district = services.to_set(tx, public_id)
        hook = queries.hook_of(tx, district)
        form, back = HookForm(url=hook and hook.url), f"{HERE}{public_id}"
        shown: list[str | None] = []

        def save() -> str:
            secret = services.set_hook(
                principal=self.who,
                school=public_id,
                url=form.url.data or "",
                private=settings().hooks_private,
            )
            shown.append(secret)
            return back

        answer = self.form_page(
            form,
            save=save,
            said=gettext("Saved."),
            heading=self.title,
            intro=gettext(
                "It is called as soon as schools of %(place)s are told of a breach.", place=district.name
            ),
            cancel_url=back,
            crumbs=[SCHOOLS, {"title": self.title, "url": back}, {"title": gettext("Address")}],
        )
        return self._page(public_id, secret=shown[0]) if shown and shown[0] else answer

    @expose("/<school:public_id>/act", methods=("POST",))
    def act(self, public_id: str) -> Answer:
        """Make a new secret, try the address out, or remove it."""
        services.to_set(reading(), public_id)
        do = request.form.get("do", "")
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                match do:
                    case "renew":
                        secret = services.renew_secret(principal=self.who, school=public_id)
                        return self._page(public_id, secret=secret)
                    case "test":
                        services.send_test(principal=self.who, school=public_id)
                        flash(gettext("The test is sent within a minute. Look here again."), "success")
                    case "remove":
                        services.remove_hook(principal=self.who, school=public_id)
                        flash(gettext("The address is removed: nothing is called any more."), "success")
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
        return redirect(f"{HERE}{public_id}", 303)

    def _page(self, public_id: str, *, secret: str | None = None) -> str:
        tx = reading()
        district = services.to_set(tx, public_id)
        hook = queries.hook_of(tx, district)
        calls = queries.last_calls(tx, hook) if hook else ()
        return self.render(
            "notifications/hook.html",
            here=f"{HERE}{public_id}",
            district=district.name,
            hook=hook,
            host=target_of(hook.url, private=True).named if hook else None,
            both_sign=hook is not None and hook.renewed_at is not None,
            secret=secret,
            calls=[self._shown(each) for each in calls],
            waits=any(each.state == CallState.WAITING for each in calls),
            seconds=self.looks_again(tx) if not secret else None,
            form=FlaskForm(),
            crumbs=[SCHOOLS, {"title": self.title}],
        )

    def _shown(self, call: HookCall) -> dict[str, Any]:
        zone = ZoneInfo(self.who.time_zone)
        word, tone = words.STATES[CallState(call.state)]
        return {
            "title": gettext("Notice to schools") if call.notice_id else gettext("Test"),
            "state": word,
            "tone": tone,
            "at": moment(call.finished_at or call.created_at, zone),
            "attempts": amount(call.attempts),
            "answer": call.last_status,
            "next": moment(call.next_try_at, zone) if call.state == CallState.WAITING else None,
        }

"""Legal holds in the console: founders propose, confirm, look again and release, always two of them."""

from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length

from backoffice import clock
from backoffice.access.permissions import HOLDS_EDIT, HOLDS_READ
from backoffice.console.command import Command
from backoffice.console.grid import moment
from backoffice.console.guard import GuardedView
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.erasure.names import SUBJECTS
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import queries, services
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading

HERE = "/console/holds/"
LONGEST_IDENTIFIER = 40
PROPOSED_AHEAD = timedelta(days=182)
STATES = {
    HoldState.PROPOSED: (lazy("Waits for a second founder"), "warn"),
    HoldState.IN_FORCE: (lazy("In force"), "info"),
    HoldState.RELEASED: (lazy("Released"), "mute"),
    HoldState.WITHDRAWN: (lazy("Withdrawn"), "mute"),
    HoldState.LAPSED: (lazy("Not confirmed in time"), "mute"),
}
STEPS = {
    "confirm": (services.confirm_hold, lazy("The hold is in force.")),
    "withdraw": (services.withdraw_hold, lazy("The proposal is withdrawn. What waited for it goes on.")),
    "ask-for-release": (services.ask_for_release, lazy("Another founder has to release it now.")),
    "release": (services.release_hold, lazy("The hold is released. What waited for it alone is erased now.")),
}


class DayField(DateField):
    """A calendar day, asked for in a sentence of ours."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was chosen."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(gettext("Choose a day to come, within twelve months.")) from None


class HoldForm(FlaskForm):
    """What is to be kept, why, and when it is looked at again."""

    subject = SelectField(
        lazy("What has to be kept"),
        choices=[SelectChoice(each.value, name) for each, name in SUBJECTS.items()],
    )
    public_id = StringField(
        lazy("Identifier"),
        [DataRequired(lazy("Write the identifier.")), Length(max=LONGEST_IDENTIFIER)],
        description=lazy("The 16 letters and digits in the address of its page. No name."),
    )
    reason = TextAreaField(
        lazy("Reason"),
        [DataRequired(lazy("Say why it has to be kept.")), Length(max=services.LONGEST_REASON)],
        description=lazy("Such as the file number of a court. Founders alone read it."),
    )
    review_on = DayField(
        lazy("To be looked at again on"),
        [InputRequired(lazy("Choose a day to come, within twelve months."))],
        description=lazy(
            "At most twelve months ahead. The hold goes on after it until somebody releases it."
        ),
    )


class ReviewForm(FlaskForm):
    """When a hold is looked at again."""

    review_on = DayField(
        lazy("To be looked at again on"), [InputRequired(lazy("Choose a day to come, within twelve months."))]
    )


class HoldsPage(GuardedView):
    """What is kept by law, for founders. It names nobody: what is held stands there by its identifier."""

    doors: ClassVar = {"index": HOLDS_READ, "propose": HOLDS_EDIT, "step": HOLDS_EDIT, "review": HOLDS_EDIT}
    fresh = frozenset({"propose", "step", "review"})
    title = lazy("Legal holds")
    category = lazy("Operations")
    address = "holds"
    icon = "lock"
    commands = (
        Command(lazy("See legal holds"), "index", "holds/", also=lazy("court keep litigation erase")),
        Command(lazy("Propose a legal hold"), "propose", "holds/propose"),
    )

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """What stops erasing, what waits for a second founder, what is overdue, and what has ended."""
        tx = reading()
        return self.render(
            "console/holds.html",
            holds=[self._shown(each) for each in queries.standing(tx)],
            ended=[self._shown(each) for each in queries.ended(tx)],
            form=FlaskForm(),
            ahead=clock.now().date() + PROPOSED_AHEAD,
        )

    @expose("/propose", methods=("GET", "POST"))
    def propose(self) -> str | Response | tuple[str, int]:
        """Propose a hold, which stops erasing at once."""
        form = HoldForm(data={"review_on": clock.now().date() + PROPOSED_AHEAD})

        def save() -> str:
            assert form.review_on.data is not None
            services.propose_hold(
                principal=self.who,
                subject=Subject(form.subject.data),
                public_id=form.public_id.data or "",
                reason=form.reason.data or "",
                review_on=form.review_on.data,
            )
            return HERE

        return self.form_page(
            form,
            save=save,
            said=gettext(
                "Nothing of it is erased from now on. Another founder has to confirm it within 72 hours."
            ),
            heading=gettext("Propose a legal hold"),
            intro=gettext(
                "Nothing of it is erased from the moment on at which you propose it. Another founder"
                " confirms it within 72 hours, or it lapses."
            ),
            submit_title=gettext("Propose it"),
            cancel_url=HERE,
            crumbs=[{"title": self.title, "url": HERE}, {"title": gettext("Propose a legal hold")}],
        )

    @expose("/step", methods=("POST",))
    def step(self) -> Response:
        """Confirm or withdraw a proposal, ask for a release, or release."""
        known = STEPS.get(request.form.get("step", ""))
        if known is not None and FlaskForm().validate_on_submit():
            do, said = known
            done_reading()
            try:
                do(principal=self.who, hold=request.form.get("hold", ""))
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
            else:
                flash(str(said), "success")
        return redirect(HERE, 303)

    @expose("/review", methods=("POST",))
    def review(self) -> Response:
        """Say that a hold is still needed, and when it is looked at again."""
        form = ReviewForm()
        if form.validate_on_submit() and form.review_on.data is not None:
            done_reading()
            try:
                services.review_hold(
                    principal=self.who, hold=request.form.get("hold", ""), review_on=form.review_on.data
                )
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
            else:
                flash(gettext("The hold goes on. It is looked at again on that day."), "success")
        else:
            flash(gettext("Choose a day to come, within twelve months."), "warning")
        return redirect(HERE, 303)

    def _shown(self, row: LegalHold) -> dict[str, Any]:
        state, me, zone = HoldState(row.state), self.who.account_id, ZoneInfo(self.who.time_zone)
        word, tone = STATES[state]
        in_force = state is HoldState.IN_FORCE
        asked = in_force and row.release_at is not None
        return {
            "number": row.public_id,
            "what": SUBJECTS[Subject(row.subject)],
            "outside": row.outside,
            "reason": row.reason,
            "state": gettext("Its release waits for a second founder") if asked else word,
            "tone": "warn" if asked else tone,
            "review_on": row.review_on,
            "overdue": queries.is_overdue(row),
            "proposed": moment(row.proposed_at, zone),
            "mine": row.proposed_by == me,
            "until": row.proposed_at + services.SUSPENDS if state is HoldState.PROPOSED else None,
            "confirmed": moment(row.confirmed_at, zone) if row.confirmed_at else None,
            "ended": moment(row.ended_at, zone) if row.ended_at else None,
            "may_confirm": state is HoldState.PROPOSED and row.proposed_by != me,
            "may_withdraw": state is HoldState.PROPOSED,
            "may_ask": in_force and not asked,
            "may_release": asked and row.release_by != me,
            "may_review": in_force,
        }

"""Notices in the console: founders write them, look at them as they will be read, and two let one go out."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import Response as FlaskResponse
from flask import abort, flash, get_template_attribute, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.transaction import Transaction
from backoffice.accounts.founders import names
from backoffice.banner import Banner
from backoffice.console.grid import moment
from backoffice.console.guard import SECONDS_AT_WORK
from backoffice.language.catalogues import known
from backoffice.language.moments import amount
from backoffice.language.spoken import language, speaking
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.outbox.mail import Recipient
from backoffice.outbox.rendering import style_source
from backoffice.problems import Rejected
from backoffice.web import headers
from backoffice.web.identity import done_reading, reading
from backoffice.web.resend import shows_what_was_typed
from plugins.notifications import clocks
from plugins.notifications.authorities import facts
from plugins.notifications.authorities import services as authorities
from plugins.notifications.authorities.forms import HandedInForm
from plugins.notifications.authorities.paper import printed
from plugins.notifications.authorities.queries import begun
from plugins.notifications.beside import BesidePage
from plugins.notifications.deadlines.law import Rule
from plugins.notifications.drills.pace import Pace, paces
from plugins.notifications.drills.showing import marked
from plugins.notifications.hooks import queries as hook_queries
from plugins.notifications.hooks.words import PROGRESS as CALLS
from plugins.notifications.letters import queries as letter_queries
from plugins.notifications.letters import services as letters
from plugins.notifications.letters.forms import PostedForm
from plugins.notifications.letters.paper import example
from plugins.notifications.models import Incident
from plugins.notifications.notices import queries, services, showing, wordings
from plugins.notifications.notices.forms import NoticeForm, form_for
from plugins.notifications.notices.lateness import TO_SCHOOLS, schools_late
from plugins.notifications.notices.models import Audience, Notice, NoticeState, StepKind
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN

HERE = "/console/incidents/"
_DIGITS = 9
Answer = str | Response | tuple[str, int]


class NoticesPage(BesidePage):
    """The notices of an incident, each one's preview, and who lets it go out. Shows nobody's address."""

    doors: ClassVar = {
        "index": INCIDENTS_READ,
        "new": INCIDENTS_RUN,
        "notice": INCIDENTS_READ,
        "mail": INCIDENTS_READ,
        "edit": INCIDENTS_RUN,
        "step": INCIDENTS_RUN,
        "letter": INCIDENTS_READ,
        "letters": INCIDENTS_RUN,
        "posted": INCIDENTS_RUN,
        "paper": INCIDENTS_READ,
        "handed_in": INCIDENTS_RUN,
    }
    # What was mailed cannot be called back.
    fresh = frozenset({"step", "letters", "posted", "handed_in"})
    title = lazy("Notices")
    address = "incidents"
    known_as, begins = "notices", "notice"

    @expose("/<incident:public_id>/notices", methods=("GET",))
    def index(self, public_id: str) -> str:
        """The notices of an incident, how far each is, and the way to a new one."""
        tx = reading()
        incident = marked(find(tx, Incident, public_id, permission=INCIDENTS_READ))
        notices = queries.notices_of(tx, incident)
        progress, pace = queries.progress_of(tx, notices), paces(tx, [incident])[incident.id]
        may_write = self.opens("new") and incident.closed_at is None
        return self.render(
            "notifications/notices.html",
            incident=incident,
            notices=[
                {**self._shown(each, pace), "progress": _counted(progress[each.id])} for each in notices
            ],
            audiences=_MAILED_TO if may_write else {},
            authorities=_authorities(tx, incident) if may_write else [],
            crumbs=[*_crumbs(incident)[:-1], {"title": self.title}],
        )

    @expose("/<incident:public_id>/notices/new", methods=("GET", "POST"))
    @shows_what_was_typed
    def new(self, public_id: str) -> Answer:
        """Begin a notice to one audience."""
        tx = reading()
        incident = marked(find(tx, Incident, public_id, permission=INCIDENTS_RUN))
        try:
            audience = Audience(request.args.get("audience", Audience.BANNER))
        except ValueError:
            abort(404)
        rule = _asked(tx, incident) if audience is Audience.AUTHORITY else None
        template = wordings.newest(audience, rule)
        said = begun(tx, incident, template) if rule else {}
        form = form_for(template, said=said, form=str(uuid4()))

        def save() -> str:
            made = services.write_notice(
                principal=self.who,
                incident=public_id,
                audience=audience,
                said=form.said,
                form=form.form.data or "",
                rule=rule.id if rule else None,
            )
            return f"{HERE}notices/{made}"

        to = _to(rule) if rule else wordings.AUDIENCES[audience]
        return self._form(form, save, incident, to, f"{HERE}{public_id}/notices", rule)

    @expose("/notices/<notice:public_id>", methods=("GET",))
    def notice(self, public_id: str) -> str:
        """One notice as it will be read, how far it is, and what one may do about it."""
        tx = reading()
        row, incident = _find(tx, public_id)
        template = wordings.template_of(row.template, row.template_version)
        called = names(tx)
        zone = ZoneInfo(self.who.time_zone)
        (progress,) = queries.progress_of(tx, [row]).values()
        pace = services.pace_of(tx, row)
        is_mailed = not _is_banner(row) and not _is_form(row)
        is_out = is_mailed and row.state in _MAILED
        at_work = is_out and (row.state == NoticeState.APPROVED or "queued" in progress)
        shown_letters = self._letters(tx, row) if is_mailed else None
        late = schools_late(clocks.standing(tx, incident), now=clock.now()) if _may_be_late(row) else 0
        to_post = shown_letters is not None and (
            "to_post" in progress or any(each["posted"] is None for each in shown_letters["batches"])
        )
        return self.render(
            "notifications/notice.html",
            incident=incident,
            notice=self._shown(row, pace),
            previews=[self._preview(tx, row, template, each) for each in showing.written(row.said)],
            late=late,
            late_reason=row.late_reason,
            missing=[
                *dict.fromkeys(
                    f"{template_title}: {sentence}" for template_title, sentence in _gaps(template, row)
                )
            ]
            if row.state == NoticeState.DRAFT
            else [],
            steps=[
                {
                    "title": showing.STEPS[StepKind(each.kind)],
                    "reason": each.reason,
                    "at": moment(each.done_at, zone),
                    "by": called.get(each.done_by, gettext("a founder")),
                }
                for each in queries.steps_of(tx, row)
            ],
            progress=_counted(progress),
            addressed=sum(progress.values()),
            calls=_calls(tx, row),
            maybe_twice=queries.maybe_twice(tx, row),
            meant_for=queries.meant_for(tx, row) if is_mailed else None,
            seconds=self.looks_again(tx, every=SECONDS_AT_WORK) if at_work and not row.paused_at else None,
            acts=self._acts(row, incident, pace, at_work=at_work or (to_post and row.state in _MAILED))
            if self.opens("step")
            else {},
            letters=shown_letters,
            may_print=self.opens("letters"),
            form=FlaskForm(),
            crumbs=[*_crumbs(incident), {"title": _audience(row)}],
        )

    @expose("/notices/<notice:public_id>/mail", methods=("GET",))
    def mail(self, public_id: str) -> FlaskResponse | Response:
        """The mail's HTML part as it is, on a page that may do nothing but be styled by its own sheet."""
        row, _incident = _find(reading(), public_id)
        if _is_banner(row) or _is_form(row):
            return redirect(f"{HERE}notices/{public_id}", 303)
        rendered = showing.mail_of(row, to=self._reader(request.args.get("language")))
        if rendered is None:
            abort(404)
        headers.only(f"default-src 'none'; style-src {style_source()}; sandbox; frame-ancestors 'none'")
        return FlaskResponse(rendered.html, mimetype="text/html")

    @expose("/notices/<notice:public_id>/letter", methods=("GET",))
    def letter(self, public_id: str) -> Response:
        """The notice as a letter to nobody, on paper."""
        tx = reading()
        row, _incident = _find(tx, public_id)
        if _is_banner(row) or _is_form(row):
            return redirect(f"{HERE}notices/{public_id}", 303)
        spoken = known(request.args.get("language")) or language()
        return _pdf(example(letters.sent(tx, row, at=clock.now()), spoken), f"letter-{public_id}")

    @expose("/notices/<notice:public_id>/letters", methods=("POST",))
    def letters(self, public_id: str) -> Response:
        """Have letters made, have a batch of them prepared, fetch it, or take it apart."""
        _find(reading(), public_id)
        do, batch = request.form.get("do", ""), request.form.get("batch", "")
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                match do:
                    case "print":
                        letters.print_letters(principal=self.who, notice=public_id, batch=batch)
                        flash(
                            gettext("The letters are being prepared. They stand here in a moment."), "success"
                        )
                    case "fetch":
                        printed = letters.fetch_letters(principal=self.who, notice=public_id, batch=batch)
                        if printed is not None:
                            return _pdf(printed.pdf, f"letters-{batch}")
                        flash(
                            gettext("Who gets a letter has changed meanwhile: they are prepared anew."),
                            "warning",
                        )
                    case "apart":
                        letters.take_letters_apart(principal=self.who, notice=public_id, batch=batch)
                        flash(gettext("The letters are taken apart: they are to be made again."), "success")
                    case "make":
                        flash(
                            _letters_made(letters.make_letters(principal=self.who, notice=public_id)),
                            "success",
                        )
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
        return redirect(f"{HERE}notices/{public_id}#letters", 303)

    @expose("/notices/<notice:public_id>/posted", methods=("GET", "POST"))
    @shows_what_was_typed
    def posted(self, public_id: str) -> Answer:
        """Say when a batch of letters was posted. The address says which."""
        tx, back = reading(), f"{HERE}notices/{public_id}"
        row, incident = _find(tx, public_id)
        batch = request.args.get("batch", "")
        if not batch:
            # The page of the notice says which letters there are.
            return redirect(f"{back}#letters", 303)
        letter_queries.batch_of(tx, row, batch)
        form = PostedForm(data={"at": clock.now()})

        def save() -> str:
            assert form.at.data is not None
            letters.letters_posted(
                principal=self.who,
                notice=public_id,
                batch=batch,
                at=form.at.data,
                late_reason=form.late_reason.data or "",
            )
            return f"{back}#letters"

        return self.form_page(
            form,
            save=save,
            said=gettext("It stands in the timeline that the letters were posted."),
            heading=gettext("When were the letters posted?"),
            intro=gettext("With that, the schools among them count as told. It cannot be taken back."),
            submit_title=gettext("They were posted"),
            cancel_url=back,
            crumbs=[*_crumbs(incident), {"title": wordings.AUDIENCES[Audience(row.audience)], "url": back}],
        )

    @expose("/notices/<notice:public_id>/paper", methods=("GET",))
    def paper(self, public_id: str) -> Response:
        """A form to an authority as it is handed in, on paper."""
        tx = reading()
        row, _incident = _find(tx, public_id)
        if not _is_form(row):
            return redirect(f"{HERE}notices/{public_id}", 303)
        spoken = wordings.written_in(row.said, known(request.args.get("language")) or language())
        return _pdf(printed(authorities.form_of(tx, row), spoken), f"authority-{public_id}")

    @expose("/notices/<notice:public_id>/handed-in", methods=("GET", "POST"))
    @shows_what_was_typed
    def handed_in(self, public_id: str) -> Answer:
        """Say when a form was handed in to its authority."""
        row, incident = _find(reading(), public_id)
        back = f"{HERE}notices/{public_id}"
        if not _is_form(row) or row.state != NoticeState.APPROVED:
            return redirect(back, 303)
        form = HandedInForm(data={"at": clock.now()})

        def save() -> str:
            assert form.at.data is not None
            authorities.hand_in(
                principal=self.who,
                notice=public_id,
                at=form.at.data,
                late_reason=form.late_reason.data or "",
            )
            return back

        return self.form_page(
            form,
            save=save,
            said=gettext("It stands in the timeline that the form was handed in."),
            heading=gettext("When was the form handed in?"),
            intro=gettext("With that, the notice that its rule asks for was given. It cannot be taken back."),
            submit_title=gettext("It was handed in"),
            cancel_url=back,
            crumbs=[*_crumbs(incident), {"title": _audience(row), "url": back}],
        )

    @expose("/notices/<notice:public_id>/edit", methods=("GET", "POST"))
    @shows_what_was_typed
    def edit(self, public_id: str) -> Answer:
        """Change what a draft says."""
        row, incident = _find(reading(), public_id)
        template = wordings.template_of(row.template, row.template_version)
        form = form_for(template, said=row.said, seen=str(row.version))

        def save() -> str:
            services.edit_notice(
                principal=self.who, notice=public_id, said=form.said, version=_version(form.seen.data)
            )
            return f"{HERE}notices/{public_id}"

        rule = facts.rule_of(row) if _is_form(row) else None
        return self._form(form, save, incident, _audience(row), f"{HERE}notices/{public_id}", rule)

    @expose("/notices/<notice:public_id>/step", methods=("POST",))
    def step(self, public_id: str) -> Response:
        """Propose, take back, approve, let out alone, take down, look at again, or give up."""
        row, _incident = _find(reading(), public_id)
        version, reason = _version(request.form.get("seen")), request.form.get("reason", "")
        late = {"late_reason": request.form.get("late_reason", "")}
        known_here: dict[str, tuple[Callable[..., None], dict[str, Any], str]] = {
            "propose": (
                services.propose_notice,
                {"version": version, **late},
                gettext("It is proposed. Another founder has to approve it."),
            ),
            "take-back": (services.take_back_notice, {}, gettext("It is a draft again.")),
            "approve": (
                services.approve_notice,
                {"version": version, **late},
                gettext("It is approved. Now hand it in.") if _is_form(row) else gettext("It goes out now."),
            ),
            "alone": (
                services.approve_alone,
                {"version": version, "reason": reason, **late},
                gettext("It goes out now. Another founder has to look at it within three days."),
            ),
            "review": (services.review_notice, {}, gettext("It is noted that you have looked at it.")),
            "pause": (
                services.pause_notice,
                {"reason": reason},
                gettext("It is paused: no more of its mails leave."),
            ),
            "resume": (services.resume_notice, late, gettext("It goes on.")),
            "stop": (services.stop_notice, {"reason": reason}, gettext("It is stopped for good.")),
            "take-down": (services.take_down, {"reason": reason}, gettext("The banner is taken down.")),
            "give-up": (authorities.give_up, {"reason": reason}, gettext("The form is given up.")),
            "discard": (services.discard_notice, {}, gettext("The draft is given up.")),
        }
        known_step = known_here.get(request.form.get("step", ""))
        if known_step is not None and FlaskForm().validate_on_submit():
            do, given, said = known_step
            done_reading()
            try:
                do(principal=self.who, notice=public_id, **given)
            except Rejected as rejected:
                flash(" ".join(dict.fromkeys(map(str, rejected.fields.values()))), "warning")
            else:
                flash(said, "success")
        return redirect(f"{HERE}notices/{public_id}", 303)

    def _form(
        self,
        form: NoticeForm,
        save: Callable[[], str],
        incident: Incident,
        audience: str,
        back: str,
        rule: Rule | None = None,
    ) -> Answer:
        return self.form_page(
            form,
            save=save,
            said=gettext("The draft is saved. Look at it as it will be read, and propose it."),
            template="notifications/notice_form.html",
            heading=gettext("What the notice says"),
            audience=audience,
            rule=rule,
            cancel_url=back,
            crumbs=[*_crumbs(incident), {"title": audience}],
        )

    def _shown(self, row: Notice, pace: Pace) -> dict[str, Any]:
        paused = row.paused_at is not None and row.state in _MAILED
        word, tone = showing.state_of(row, paused=paused)
        due = row.review_due_at is not None and row.reviewed_at is None
        return {
            "url": f"{HERE}notices/{row.public_id}",
            "public_id": row.public_id,
            "version": row.version,
            "audience": _audience(row),
            "is_banner": row.audience == Audience.BANNER,
            "is_form": _is_form(row),
            "heading": _heading(row),
            "state": word,
            "tone": tone,
            "template": f"{row.template} {row.template_version}",
            "written_at": row.written_at,
            "paused_at": row.paused_at if paused else None,
            "sent_at": row.sent_at,
            "review_due_at": row.review_due_at if due else None,
            "review_late": due and row.review_due_at is not None and row.review_due_at <= clock.now(),
            "alone_from": services.alone_from(row, self.who, pace),
        }

    def _letters(self, tx: Transaction, row: Notice) -> dict[str, Any]:
        due, zone = letter_queries.due(tx, row), ZoneInfo(self.who.time_zone)
        batches, ready = letter_queries.batches(tx, row), letter_queries.prepared(tx, row)
        waits = any(letters.is_being_prepared(each, is_ready=each.id in ready) for each, _number in batches)
        return {
            "seconds": self.looks_again(tx) if waits else None,
            "due": due.letters,
            "nowhere": due.nowhere,
            "gone": due.gone,
            "most": letters.MOST,
            "batches": [
                {
                    "public_id": each.public_id,
                    "number": number,
                    "made": moment(each.made_at, zone),
                    "posted": moment(each.posted_at, zone) if each.posted_at else None,
                    "is_printed": each.posted_at is None
                    or each.posted_at > clock.now() - letters.PRINTED_AGAIN,
                    "is_ready": each.id in ready,
                    "is_prepared": letters.is_being_prepared(each, is_ready=each.id in ready),
                }
                for each, number in batches
            ],
        }

    def _acts(self, row: Notice, incident: Incident, pace: Pace, *, at_work: bool) -> dict[str, bool]:
        state, is_open = NoticeState(row.state), incident.closed_at is None
        mine = row.proposed_by == self.who.account_id
        due = row.review_due_at is not None and row.reviewed_at is None
        paused = row.paused_at is not None
        return {
            "pause": at_work and not paused,
            "give_up": _is_form(row) and state is NoticeState.APPROVED,
            "hand_in": _is_form(row) and state is NoticeState.APPROVED and is_open,
            "resume": row.state in _MAILED and paused,
            "stop": row.state in _MAILED and paused,
            "edit": state is NoticeState.DRAFT and is_open,
            "propose": state is NoticeState.DRAFT and is_open,
            "discard": state is NoticeState.DRAFT,
            "take_back": state is NoticeState.PROPOSED,
            "approve": state is NoticeState.PROPOSED and is_open and not mine,
            "alone": is_open and services.may_go_alone(row, self.who, pace),
            "take_down": state is NoticeState.UP,
            "review": due and row.approved_by != self.who.account_id,
        }

    def _preview(
        self, tx: Transaction, row: Notice, template: wordings.Template, spoken: str
    ) -> dict[str, Any]:
        with speaking(spoken):
            banners = _previews(showing.banner_of(template, row.said, spoken)) if _is_banner(row) else []
            form = _form_parts(tx, row, template, spoken) if _is_form(row) else None
            mail = showing.mail_of(row, to=self._reader(spoken))
        return {
            "language": spoken,
            "title": wordings.LANGUAGES[spoken],
            "banners": banners,
            "mail": mail,
            "form": form,
            "paper_url": f"{HERE}notices/{row.public_id}/paper?language={spoken}",
            "html_url": f"{HERE}notices/{row.public_id}/mail?language={spoken}",
            "letter_url": f"{HERE}notices/{row.public_id}/letter?language={spoken}",
            "ease": None if _is_form(row) else showing.ease(row.said, spoken),
        }

    def _reader(self, spoken: str | None) -> Recipient:
        """Whoever looks, as one of those who get the mail: nobody else's name is shown."""
        return Recipient(None, "", self.who.name or "", known(spoken) or language())


_MAILED = services.GOES_ON
# A form to an authority begins at its rule.
_MAILED_TO = {each: title for each, title in wordings.AUDIENCES.items() if each is not Audience.AUTHORITY}


def _pdf(pages: bytes, name: str) -> Response:
    response = FlaskResponse(pages, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return response


def _letters_made(number: int) -> str:
    return ngettext(
        "%(number)s letter is ready to be printed.",
        "%(number)s letters are ready to be printed.",
        number,
        number=amount(number),
    )


def _is_banner(row: Notice) -> bool:
    return row.audience == Audience.BANNER


def _is_form(row: Notice) -> bool:
    return row.audience == Audience.AUTHORITY


def _may_be_late(row: Notice) -> bool:
    waits = row.state in (NoticeState.DRAFT, NoticeState.PROPOSED)
    return row.audience in TO_SCHOOLS and (waits or (row.paused_at is not None and row.state in _MAILED))


def _to(rule: Rule) -> str:
    return gettext("%(who)s, by a form to hand in (%(law)s)", who=facts.name_of(rule), law=rule.law)


def _audience(row: Notice) -> str:
    """Whom a notice is for; an authority by its name."""
    rule = facts.rule_of(row) if _is_form(row) else None
    return _to(rule) if rule else str(wordings.AUDIENCES[Audience(row.audience)])


def _heading(row: Notice) -> str:
    rule = facts.rule_of(row) if _is_form(row) else None
    if rule is not None:
        return facts.name_of(rule)
    return row.said.get(wordings.ENGLISH, {}).get("heading") or gettext("No heading yet")


def _asked(tx: Transaction, incident: Incident) -> Rule:
    """The rule that the address names, by which an authority is to be told. Raises `NotFound`."""
    row = facts.asked_by(clocks.standing(tx, incident), request.args.get("rule", ""))
    if row is None:
        raise NotFound
    return row.rule


def _authorities(tx: Transaction, incident: Incident) -> list[dict[str, Any]]:
    """Whom a form can be written to, what ends first above."""
    far = clock.now() + timedelta(days=36500)
    rows = facts.asked(clocks.standing(tx, incident))
    return [
        {
            "title": _to(row.rule),
            "url": f"{HERE}{incident.public_id}/notices/new?audience={Audience.AUTHORITY}&rule={row.rule.id}",
            "due": row.due if row.given_at is None else None,
            "given_at": row.given_at,
        }
        for row in sorted(rows, key=lambda row: (row.given_at is not None, row.due or far, row.rule.id))
    ]


def _form_parts(
    tx: Transaction, row: Notice, template: wordings.Template, spoken: str
) -> dict[str, Sequence[tuple[str, str]]]:
    """What a form says, to be copied: what is filled in, and what was written."""
    texts = row.said.get(spoken, {})
    return {
        "facts": facts.in_words(facts.known_of(tx, row)),
        "parts": [
            (str(field.title), texts[field.name]) for field in template.fields if texts.get(field.name)
        ],
    }


def _previews(banner: Banner) -> list[tuple[str, bool, str]]:
    """A banner as the home page shows it, and as wide as a telephone: title, whether that, and the part."""
    shown = get_template_attribute("web/banner.html", "shown")
    return [
        (title, narrow, shown(banner, gettext("%(title)s: preview", title=title)))
        for title, narrow in ((gettext("On the home page"), False), (gettext("On a telephone"), True))
    ]


def _find(tx: Transaction, public_id: str) -> tuple[Notice, Incident]:
    row = find(tx, Notice, public_id, permission=INCIDENTS_READ)
    return row, marked(tx.get_one(Incident, row.incident_id))


def _gaps(template: wordings.Template, row: Notice) -> list[tuple[str, str]]:
    titles = {
        wordings.input_name(language, field.name): gettext(
            "%(field)s, in %(language)s", field=field.title, language=title
        )
        for language, title in wordings.LANGUAGES.items()
        for field in template.fields
    }
    return [(titles[name], sentence) for name, sentence in wordings.missing(template, row.said).items()]


def _counted(progress: Any) -> list[tuple[str, int]]:
    return [(title, progress[state]) for state, title in showing.PROGRESS.items() if state in progress]


def _calls(tx: Transaction, row: Notice) -> list[tuple[str, int]]:
    (counts,) = hook_queries.calls_of(tx, [row]).values()
    return [(title, counts[state]) for state, title in CALLS.items() if state in counts]


def _crumbs(incident: Incident) -> list[dict[str, Any]]:
    own = f"{HERE}{incident.public_id}"
    return [
        {"title": gettext("Incidents"), "url": HERE},
        {"title": incident.title, "url": own},
        {"title": gettext("Notices"), "url": f"{own}/notices"},
    ]


def _version(typed: str | None) -> int:
    return int(typed) if typed and typed.isascii() and typed.isdecimal() and len(typed) <= _DIGITS else -1

"""Schools in the console: names and numbers. This is all of a school that a founder sees."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect
from flask_admin import expose
from flask_wtf import FlaskForm
from sqlalchemy import Select
from werkzeug.wrappers import Response
from wtforms import BooleanField, DateField, EmailField, HiddenField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, Length

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import (
    CONTRACTS_END,
    SCHOOL_DAYS_EDIT,
    SCHOOLS_CONTACT,
    SCHOOLS_COUNT,
    SCHOOLS_EDIT,
    SCHOOLS_ERASE,
    SCHOOLS_SECURE,
)
from backoffice.access.policy import can, scope
from backoffice.access.principal import Principal
from backoffice.access.seen import version
from backoffice.access.transaction import Transaction
from backoffice.accounts.care.services import requirement
from backoffice.accounts.providers.services import asking, directory
from backoffice.console import erasures
from backoffice.console.forms import StaffSignInForm
from backoffice.console.grid import Cell, Column, Grid, Row, number, searched_words
from backoffice.console.grids.columns import BY_NAME
from backoffice.console.overtaken import not_over_others
from backoffice.console.school_days import url_of
from backoffice.console.weekdays import short_names
from backoffice.language.moments import day_of_year
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.erasure import asking as asking_to_erase
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.schools import ending_queries, names, queries
from backoffice.schools.doors import in_order
from backoffice.schools.ending_queries import Ending
from backoffice.schools.models import District, School, SchoolKind
from backoffice.schools.queries import SchoolCounts
from backoffice.schools.services import contacts, contracts
from backoffice.schools.tiles import classes_of, shown_name
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.offered import Link, Where, offered
from backoffice.web.resend import shows_what_was_typed

NOTHING = SchoolCounts(0, 0, 0)


class SecondFactorForm(FlaskForm):
    """What a school requires."""

    required = BooleanField(
        lazy("Leaders and teachers must have a second factor"),
        description=lazy("A code of an app on their phone, beside the password."),
    )


class ContactsForm(FlaskForm):
    """Whom a school's notices reach. What is typed is judged by `contacts.set_contacts`.

    `seen` is the `version` of what was shown.
    """

    seen = HiddenField()
    security_contact = EmailField(
        lazy("Security contact"),
        [Length(max=contacts.LONGEST_CONTACT)],
        description=lazy(
            "The e-mail address that hears of a breach of data. While it is empty, that of the district does,"
            " or the leaders of the school do."
        ),
    )
    postal_address = TextAreaField(
        lazy("Postal address"),
        [Length(max=contacts.MOST_LINES * (contacts.LONGEST_LINE + 2))],
        description=lazy("Where letters go. At most 6 lines."),
    )


class ContractEndForm(FlaskForm):
    """When whose contract ends."""

    last_day = DateField(lazy("Last day of the contract"), [DataRequired(lazy("Choose a day."))])
    whole = BooleanField(lazy("The whole district"))


class ContractGoesOnForm(FlaskForm):
    """Whose contract goes on after all: as the page showed it."""

    of = HiddenField(validators=[AnyOf(("school", "district"))])


class SchoolGrid(Grid):
    """The schools that somebody may count."""

    entity = School
    doors = {
        "index": SCHOOLS_COUNT,
        "search": SCHOOLS_COUNT,
        "export": SCHOOLS_COUNT,
        "export_found": SCHOOLS_COUNT,
        "second_factor": SCHOOLS_SECURE,
        "staff_sign_in": SCHOOLS_EDIT,
        "contacts": SCHOOLS_CONTACT,
        "district_contacts": SCHOOLS_CONTACT,
        "erase": SCHOOLS_ERASE,
        "erase_district": SCHOOLS_ERASE,
        "contract": SCHOOLS_COUNT,
        "end_contract": CONTRACTS_END,
        "continue_contract": CONTRACTS_END,
    }
    fresh = Grid.fresh | {
        *("second_factor", "staff_sign_in", "contacts", "district_contacts"),
        *("end_contract", "continue_contract"),
    }
    icon = "school"
    title = lazy("Schools")
    category = lazy("School")
    address = "schools"
    noun = (lazy("school"), lazy("schools"))
    reads = (
        School.id,
        School.public_id,
        School.kind,
        School.name,
        School.country,
        School.state,
        School.school_days,
        School.factor_required,
        School.sign_in_from,
        School.security_contact,
        School.erasing_since,
    )
    search_placeholder = lazy("Find a school")
    search_from = 12
    columns = (
        Column("name", lazy("School"), sort=BY_NAME),
        Column("place", lazy("Place"), optional=True),
        Column("classrooms", lazy("Classes"), numeric=True, optional=True),
        Column("students", lazy("Students"), numeric=True, optional=True),
        Column("staff", lazy("Staff"), numeric=True, optional=True),
        Column("days", lazy("School days"), optional=True),
        Column("factor", lazy("Second factor"), optional=True),
        Column("sign_in", lazy("Staff sign in"), optional=True),
        Column("contacts", lazy("Security contact"), optional=True, permission=SCHOOLS_CONTACT),
        Column("contract", lazy("Contract"), optional=True),
        Column("erase", lazy("Deletion"), optional=True, permission=SCHOOLS_ERASE),
    )

    def name_of(self, thing: School) -> Any:
        """Schools sort by the name that is shown."""
        return names.sort_key(shown_name(self.who, thing), None)

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """By the words of the name that is shown: one that is hidden is not found by guessing either."""
        if words := " ".join(searched_words()):

            def called(school: Any) -> str:
                return shown_name(tx.principal, school)

            named = queries.is_named(tx, statement, words, School.name, School.kind, called=called)
            statement = statement.where(named)
        return statement

    def schools_of(self, tx: Transaction, rows: Select[Any]) -> Select[Any]:
        """Themselves."""
        del tx
        return rows.with_only_columns(School.id).order_by(None)

    def rows(self, tx: Transaction, things: Sequence[School]) -> list[Row]:
        """Name, place and numbers."""
        counts, offered = queries.counts_by_school(tx, things), bool(directory.in_use(tx))
        ends = ending_queries.ends_of(tx, [school.id for school in things])
        return [
            self._row(
                tx.principal, school, counts.get(school.id, NOTHING), ends.get(school.id), offered=offered
            )
            for school in things
        ]

    def extras(self, tx: Transaction) -> dict[str, object]:
        """What the page is for, in the words of who reads it."""
        founder, led = tx.principal.founder, tx.principal.led_schools
        return {
            "offered": offered(tx, Where.SCHOOL, tx.get(School, *led))
            if len(led) == 1
            else offered(tx, Where.SCHOOLS),
            "description": gettext("Schools and numbers. Names of children are not shown to the company.")
            if founder
            else f"{gettext('Your schools in numbers.')} {_whom_to_ask()}",
            "empty": {
                "title": gettext("No schools yet"),
                "sentence": gettext("Schools appear here as they join."),
                "url": None,
                "action": None,
                "icon": "school",
            },
        }

    @expose("/<school:public_id>/second-factor", methods=("GET", "POST"))
    def second_factor(self, public_id: str) -> str | Response | tuple[str, int]:
        """Whether leaders and teachers must have a second factor."""
        school = find(reading(), School, public_id, permission=SCHOOLS_SECURE)
        form = SecondFactorForm(required=school.factor_required)

        def save() -> str:
            requirement.require_second_factor(
                principal=self.who, school=public_id, required=bool(form.required.data)
            )
            return "/console/schools/"

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved. It holds from everybody's next page on."),
            record=school,
            heading=gettext("Second factor"),
            intro=gettext(
                "Who works at %(school)s and has none is led to set one up, and to nothing else.",
                school=school.name,
            ),
            crumbs=[
                {"title": gettext("Schools"), "url": "/console/schools/"},
                {"title": gettext("Second factor")},
            ],
            cancel_url="/console/schools/",
        )

    @expose("/<school:public_id>/sign-in", methods=("GET", "POST"))
    def staff_sign_in(self, public_id: str) -> str | Response | tuple[str, int]:
        """Ask the school's staff to come in by an identity provider, from the school's own domain."""
        school = find(reading(), School, public_id, permission=SCHOOLS_EDIT)
        form = StaffSignInForm(domain=school.sign_in_from)

        def save() -> str:
            asking.ask_of_staff(principal=self.who, school=public_id, domain=form.domain.data or "")
            return "/console/schools/"

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved."),
            record=school,
            heading=gettext("How the staff sign in"),
            intro=gettext(
                "Teachers and leaders of %(school)s then have to sign in with Google, or what else is set up"
                " here, and with an account of this domain. Whoever signs in another way sees nothing of the"
                " school. They must be invited all the same.",
                school=school.name,
            ),
            cancel_url="/console/schools/",
            crumbs=[
                {"title": gettext("Schools"), "url": "/console/schools/"},
                {"title": gettext("How the staff sign in")},
            ],
        )

    @expose("/<school:public_id>/contacts", methods=("GET", "POST"))
    @shows_what_was_typed
    def contacts(self, public_id: str) -> str | Response | tuple[str, int]:
        """Whom notices to the school go to, and where letters go."""
        tx = reading()
        school = find(tx, School, public_id, permission=SCHOOLS_CONTACT)
        wider = f"/console/schools/{public_id}/district-contacts"
        return self._contacts_of(
            public_id,
            heading=gettext("Security contact and postal address"),
            aside={"url": wider, "title": gettext("Security contact and postal address of the district")}
            if contacts.speaks_for_district(tx, school)
            else None,
            offers=offered(tx, Where.DISTRICT, school),
        )

    @expose("/<school:public_id>/district-contacts", methods=("GET", "POST"))
    @shows_what_was_typed
    def district_contacts(self, public_id: str) -> str | Response | tuple[str, int]:
        """Whom notices go to of schools of a district that name nobody, and where its letters go."""
        tx = reading()
        school = find(tx, School, public_id, permission=SCHOOLS_CONTACT)
        return self._contacts_of(
            public_id,
            heading=gettext("Security contact and postal address of the district"),
            whole_district=True,
            offers=offered(tx, Where.DISTRICT, school),
        )

    def _contacts_of(
        self,
        public_id: str,
        *,
        heading: str,
        whole_district: bool = False,
        aside: dict[str, str] | None = None,
        offers: Sequence[Link] = (),
    ) -> str | Response | tuple[str, int]:
        place = contacts.to_contact(reading(), public_id, whole_district=whole_district)
        form = ContactsForm(security_contact=place.security_contact, postal_address=place.postal_address)
        if isinstance(place, District):
            form.security_contact.description = gettext(
                "The e-mail address that hears of a breach of data where a school of the district has named"
                " none."
            )
        if not form.is_submitted():
            form.seen.data = version(*contacts.shown(place))
        done_reading()

        def now() -> tuple[str, str]:
            tx = reading()
            # Whatever was read of it before.
            tx.expunge_all()
            there = contacts.shown(contacts.to_contact(tx, public_id, whole_district=whole_district))
            words = [", ".join(each.splitlines()) if each else gettext("None") for each in there]
            return " · ".join(words), version(*there)

        def save() -> str:
            with not_over_others(form.seen, now):
                contacts.set_contacts(
                    principal=self.who,
                    school=public_id,
                    security_contact=form.security_contact.data or "",
                    postal_address=form.postal_address.data or "",
                    whole_district=whole_district,
                    seen=form.seen.data or None,
                )
            return "/console/schools/"

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved."),
            heading=heading,
            intro=gettext(
                "Notices to %(place)s that have to be given in writing go there.", place=place.name
            ),
            aside=aside,
            offered=offers,
            cancel_url="/console/schools/",
            crumbs=[{"title": gettext("Schools"), "url": "/console/schools/"}, {"title": heading}],
        )

    @expose("/<school:public_id>/erase", methods=("GET", "POST"))
    def erase(self, public_id: str) -> str | Response:
        """Begin to delete a school for good."""
        tx = reading()
        school = asking_to_erase.to_erase(tx, Subject.SCHOOL, public_id)
        district = asking_to_erase.district_of(tx, school)
        return erasures.begin(
            self,
            Subject.SCHOOL,
            public_id,
            called=school.name,
            url="/console/schools/",
            crumbs=[{"title": gettext("Schools"), "url": "/console/schools/"}],
            along=erasures.along_of(tx, Where.SCHOOL, school),
            wider={"name": district.name, "url": f"/console/schools/{public_id}/erase-district"}
            if district
            else None,
        )

    @expose("/<school:public_id>/erase-district", methods=("GET", "POST"))
    def erase_district(self, public_id: str) -> str | Response:
        """Begin to delete the district of a school for good, with all of its schools."""
        tx = reading()
        district = asking_to_erase.district_of(tx, asking_to_erase.to_erase(tx, Subject.SCHOOL, public_id))
        if district is None:
            raise NotFound
        return erasures.begin(
            self,
            Subject.DISTRICT,
            district.public_id,
            called=district.name,
            url="/console/schools/",
            crumbs=[{"title": gettext("Schools"), "url": "/console/schools/"}],
        )

    @expose("/<school:public_id>/contract", methods=("GET",))
    def contract(self, public_id: str) -> str:
        """Whether the contract ends, what becomes of everything then, and how to take it out before."""
        tx = reading()
        school = find(tx, School, public_id, permission=SCHOOLS_COUNT)
        ending = ending_queries.ending_of(tx, school)
        return self.render(
            "console/contract.html",
            school=school,
            name=ending.place if ending else shown_name(self.who, school),
            ending=ending,
            last_day=day_of_year(ending.last_day) if ending else None,
            may_end=can(self.who, CONTRACTS_END, school) and school.kind == SchoolKind.SCHOOL,
            offered=offered(tx, Where.SCHOOL, school),
            takes_out=school.id in self.who.led_schools,
            period=contracts.policy().period.words,
            address=settings().report_address,
            form=ContractGoesOnForm(of="district" if ending and ending.of_district else "school"),
            crumbs=[
                {"title": gettext("Schools"), "url": "/console/schools/"},
                {"title": gettext("Contract")},
            ],
        )

    @expose("/<school:public_id>/contract/end", methods=("GET", "POST"))
    def end_contract(self, public_id: str) -> str | Response | tuple[str, int]:
        """Say when the contract of a school ends, or that of its district."""
        tx = reading()
        school = _with_contract(tx, public_id)
        ending = ending_queries.ending_of(tx, school)
        form, page = ContractEndForm(whole=bool(ending and ending.of_district)), _contract_of(school)
        kept = contracts.policy()
        warnings = " · ".join(warning.words for warning in kept.warnings)
        if school.district_id is None:
            del form.whole
        else:
            form.whole.description = gettext(
                "The contract of %(district)s ends, and with it that of all of its schools.",
                district=tx.get_one(District, school.district_id).name,
            )

        def save() -> str:
            assert form.last_day.data is not None
            contracts.end_contract(
                principal=self.who,
                school=public_id,
                last_day=form.last_day.data,
                whole_district="whole" in form and bool(form.whole.data),
            )
            return page

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved. The leaders are told by mail."),
            heading=gettext("End the contract"),
            intro=gettext(
                "%(period)s after the last day everything of %(school)s is erased. Leaders are told now, and"
                " before it: %(warnings)s. Until the erasure begins it can be taken back.",
                period=kept.period.words,
                school=shown_name(self.who, school),
                warnings=warnings,
            ),
            submit_title=gettext("End the contract"),
            danger=True,
            cancel_url=page,
            crumbs=[
                {"title": gettext("Schools"), "url": "/console/schools/"},
                {"title": gettext("Contract"), "url": page},
                {"title": gettext("End the contract")},
            ],
        )

    @expose("/<school:public_id>/contract/continue", methods=("POST",))
    def continue_contract(self, public_id: str) -> Response:
        """Say that the contract goes on after all: that one of which the page showed the end."""
        school = _with_contract(reading(), public_id)
        form, page = ContractGoesOnForm(), _contract_of(school)
        done_reading()
        try:
            if not form.validate_on_submit():
                raise Rejected.whole(contracts.NOT_ENDING)
            contracts.continue_contract(
                principal=self.who, school=public_id, whole_district=form.of.data == "district"
            )
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
        else:
            tx = reading()
            school = find(tx, School, public_id, permission=CONTRACTS_END)
            left = ending_queries.ending_of(tx, school)
            flash(_said_of(left), "warning" if left else "success")
        return redirect(page, 303)

    @staticmethod
    def _row(
        who: Principal, school: School, counts: SchoolCounts, ending: Ending | None, *, offered: bool
    ) -> Row:
        return Row(
            school.public_id,
            classes_of(who, school),
            (
                Cell(shown_name(who, school)),
                Cell(", ".join(part for part in (school.state, school.country) if part)),
                number(counts.classrooms),
                number(counts.students),
                number(counts.staff),
                Cell(
                    ", ".join(short_names(in_order(school.school_days))) or gettext("None"),
                    url=url_of(school.public_id)
                    if school.id in scope(who, SCHOOL_DAYS_EDIT).schools
                    else None,
                ),
                Cell(
                    gettext("Required") if school.factor_required else gettext("Not required"),
                    url=f"/console/schools/{school.public_id}/second-factor"
                    if school.id in scope(who, SCHOOLS_SECURE).schools
                    else None,
                ),
                _sign_in(who, school, offered=offered),
                _contacts(who, school),
                _contract(school, ending),
                _erase(who, school),
            ),
        )


def _with_contract(tx: Transaction, public_id: str) -> School:
    """A school whose contract the principal may end. A teacher's own has none. Raises `NotFound`."""
    school = find(tx, School, public_id, permission=CONTRACTS_END)
    if school.kind != SchoolKind.SCHOOL:
        raise NotFound
    return school


def _contract_of(school: School) -> str:
    """Where the page of a school's contract is."""
    return f"/console/schools/{school.public_id}/contract"


def _said_of(left: Ending | None) -> str:
    """What is said where a contract goes on; `left` is the other end, if there is one."""
    if left is None:
        return gettext("The contract goes on. Nothing is erased.")
    day = day_of_year(left.due_at.date())
    if left.of_district:
        return gettext(
            "The contract of the school goes on, but that of its district still ends. Everything is erased on"
            " %(day)s unless you take that back too.",
            day=day,
        )
    return gettext(
        "The contract of the district goes on, but that of this school still ends. Everything of it is erased"
        " on %(day)s unless you take that back too.",
        day=day,
    )


def _contract(school: School, ending: Ending | None) -> Cell:
    """Whether it goes on, or until when. The school of one teacher has none."""
    if school.kind == SchoolKind.PERSONAL:
        return Cell(None)
    said = gettext("Until %(day)s", day=day_of_year(ending.last_day)) if ending else gettext("Goes on")
    return Cell(said, url=_contract_of(school))


def _contacts(who: Principal, school: School) -> Cell:
    """Whether somebody is named to hear of breaches. Who leads it, where not; of one teacher's own, they."""
    held = scope(who, SCHOOLS_CONTACT)
    if school.kind == SchoolKind.PERSONAL or not (held.everywhere or school.id in held.schools):
        return Cell(None)
    said = gettext("Named") if school.security_contact else gettext("Not named")
    being_erased = school.erasing_since is not None
    return Cell(said, url=None if being_erased else f"/console/schools/{school.public_id}/contacts")


def _sign_in(who: Principal, school: School, *, offered: bool) -> Cell:
    """How the staff sign in. Where there is nothing but passwords, there is nothing to ask for."""
    if school.kind == SchoolKind.PERSONAL:
        return Cell(None)
    said = (
        gettext("From %(domain)s", domain=school.sign_in_from)
        if school.sign_in_from
        else gettext("As they like")
    )
    editable = (offered or school.sign_in_from) and school.id in scope(who, SCHOOLS_EDIT).schools
    return Cell(said, url=f"/console/schools/{school.public_id}/sign-in" if editable else None)


def _erase(who: Principal, school: School) -> Cell:
    """Where a founder deletes it; a school of somebody's own goes with their account."""
    if school.erasing_since is not None:
        return Cell(gettext("It is being erased."))
    held = scope(who, SCHOOLS_ERASE)
    if school.kind == SchoolKind.PERSONAL or not (held.everywhere or school.id in held.schools):
        return Cell(None)
    return Cell(gettext("Delete for good"), url=f"/console/schools/{school.public_id}/erase")


def _whom_to_ask() -> str:
    address = settings().report_address
    if address is None:
        return gettext("To have a whole school deleted, write to the company that runs this service.")
    return gettext("To have a whole school deleted, write to %(address)s.", address=address)

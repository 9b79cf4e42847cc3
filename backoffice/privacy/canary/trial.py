"""One night's made-up child, from signing up its teacher to the receipts of having erased them all.

By the services and the addresses that people use. Its school is there for a second or two and is whoever's
own: no leader, no parent and no plan has anything to do with it, no mail is written, and what counts schools
finds one more for that second at most. A run that is killed leaves it until the job is tried again.
"""

import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from flask import Flask
from sqlalchemy import and_, delete, insert, or_, select, update

from backoffice import clock
from backoffice.access.principal import Principal, Purpose, SessionEnded
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.address_models import SignUp
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account
from backoffice.accounts.services import signing_in
from backoffice.accounts.services.sign_up import sign_up
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.privacy.canary import traces
from backoffice.privacy.canary.traces import Known
from backoffice.privacy.erasure import receipts, services
from backoffice.privacy.erasure.erasing import Eraser, carry_out_all
from backoffice.privacy.erasure.models import AskedAs, Canary, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.schools.award_models import Whom
from backoffice.schools.models import Classroom, Membership, School, Student
from backoffice.schools.services.actions import add_action
from backoffice.schools.services.classrooms import create_classroom
from backoffice.schools.services.codes import live_code
from backoffice.schools.services.points import award_points
from backoffice.schools.services.rosters import add_students
from backoffice.schools.services.students import correct_student
from backoffice.settings import Settings
from backoffice.storage.public_id import new_public_id
from backoffice.students import services as students
from backoffice.throttles.visitor import Visitor
from backoffice.web import cookies

DOMAIN = "canary.invalid"
GIVEN, NOBODY = "Canary", Visitor()
OK = 200
# How it is told that something of a made-up school is still there.
NOT_CLEARED = "What it left could not be cleared away"
# The last step that was done where none that erases was begun.
BEFORE_ERASING = frozenset(
    {"begun", "signed up", "class made", "child added", "child corrected", "child signed in", "point given"}
)
# For so long what a test that failed has left is looked for every night.
AGAIN = timedelta(days=30)


class CanaryFailure(Exception):
    """Something was not as it has to be; says what, to those who look after the service."""


@dataclass
class Made:
    """What there is of the made-up school by now."""

    address: str
    token: str = ""
    school: str = ""
    classroom: str = ""
    student: str = ""
    family: str = ""
    child: Principal | None = None


def run_trial(app: Flask, eraser: Eraser, settings: Settings) -> Canary:
    """Clear away what a killed run left, and go through all of it once; how it ended.

    Raises nothing that goes wrong in the trial, or in clearing away: that stands in the answer.
    """
    before = clear_left(eraser)
    with transaction(eraser.who) as tx:
        number, outside = tx.take_id(Canary), new_public_id()
        tx.execute(insert(Canary).values(id=number, public_id=outside, begun_at=clock.now(), step="begun"))
    trial = Trial(app, eraser, settings, number, Made(_address(outside)))
    problem: str | None = None
    try:
        trial.run()
    except CanaryFailure as failure:
        problem = str(failure)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is cleared away and told
        # Its kind and not its words: they may quote what it is about.
        problem = f"{type(error).__name__} after: {trial.step}."
    if problem is not None:
        problem = _joined(problem, _cleared(eraser, trial.made.address))
    elif before is not None:
        problem = f"Of an earlier test: {before}"
    return _end(eraser.who, number, problem)


def clear_left(eraser: Eraser) -> str | None:
    """Erase what runs have left that were killed, or that failed of late; what kept anything from going.

    One that could not be cleared away the night before is tried again.
    """
    failed = (Canary.problem.is_not(None), Canary.begun_at >= clock.now() - AGAIN)
    with transaction(eraser.who) as tx:
        left = tx.scalars(
            select(Canary).where(or_(Canary.ended_at.is_(None), and_(*failed))).order_by(Canary.id)
        ).all()
    problem: str | None = None
    for row in left:
        wrong = _cleared(eraser, _address(row.public_id))
        if row.ended_at is None:
            _end(eraser.who, row.id, _joined("It was interrupted.", wrong))
        problem = problem or wrong
    return problem


def went_well_since(who: Purpose, at: datetime) -> bool:
    """Whether one has ended well since then."""
    good = (Canary.ended_at.is_not(None), Canary.problem.is_(None), Canary.begun_at >= at)
    with transaction(who) as tx:
        return tx.scalar(select(Canary.id).where(*good).limit(1)) is not None


class Trial:
    """The steps, each noted when it is done."""

    def __init__(self, app: Flask, eraser: Eraser, settings: Settings, number: int, made: Made) -> None:
        self.app, self.eraser, self.settings, self.number, self.made = app, eraser, settings, number, made
        self.step = "begun"

    def run(self) -> None:
        """All of it, in order. Raises `CanaryFailure`, and whatever a step raises."""
        for step, do in self._steps():
            do()
            self.step = step
            self._note(step=step)

    def _steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("signed up", self._sign_up),
            ("class made", self._make_class),
            ("child added", self._add_child),
            ("child corrected", self._correct),
            ("child signed in", self._come_in),
            ("point given", self._give_point),
            ("exported", self._export),
            ("child erased", self._erase_child),
            ("class erased", self._erase_class),
            ("account erased", self._erase_account),
        ]

    def _sign_up(self) -> None:
        made, link, password = self.made, secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        now = clock.now()
        with transaction(self.eraser.who) as tx:
            # As if its mail had come: with a link from the beginning, nobody writes one.
            tx.execute(
                insert(SignUp).values(
                    id=tx.take_id(SignUp),
                    email=made.address,
                    email_index=email_index(made.address),
                    name=GIVEN,
                    country="US",
                    time_zone="UTC",
                    language="en",
                    token_digest=token_digest(link),
                    created_at=now,
                    expires_at=now + timedelta(hours=1),
                )
            )
        begun = sign_up(
            token=link,
            name=GIVEN,
            password=password,
            cost=self.settings.passwords,
            sessions=self.settings.sessions,
            visitor=NOBODY,
            device=None,
        )
        made.token = begun.token

    def _make_class(self) -> None:
        who = self._teacher()
        with transaction(who) as tx:
            own = tx.principal.personal_schools
            self.made.school = tx.scalars(select(School.public_id).where(School.id.in_(own))).one()
        self.made.classroom = create_classroom(principal=who, school=self.made.school, name=GIVEN)

    def _add_child(self) -> None:
        made, who = self.made, self._teacher()
        made.family = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16)).capitalize()
        add_students(principal=who, classroom=made.classroom, text=f"{GIVEN} {made.family}")
        with transaction(who) as tx:
            made.student = tx.scalars(select(Student.public_id)).one()

    def _correct(self) -> None:
        made, who = self.made, self._teacher()
        made.family += "a"
        correct_student(principal=who, student=made.student, given_name=GIVEN, family_name=made.family)

    def _come_in(self) -> None:
        made = self.made
        with transaction(self._teacher()) as tx:
            code = live_code(tx, tx.scalars(select(Classroom)).one())
        if code is None:
            raise CanaryFailure("A new class has no code.")
        begun = students.sign_in_student(
            code=code,
            student=made.student,
            sessions=self.settings.sessions,
            visitor=NOBODY,
            throttles=self.settings.throttles,
        )
        with transaction(students.credential(begun.token_id, None)) as tx:
            made.child = tx.principal
        if made.child.student_public_id != made.student:
            raise CanaryFailure("Another child came in.")

    def _give_point(self) -> None:
        made, who = self.made, self._teacher()
        action = add_action(principal=who, classroom=made.classroom, label=GIVEN, icon="hands", value=1)
        award_points(
            principal=who,
            classroom=made.classroom,
            action=action,
            whom=Whom.CHOSEN,
            form=str(uuid4()),
            students=[made.student],
        )

    def _export(self) -> None:
        cookie = f"{cookies.name(self.settings, cookies.ACCOUNT)}={self.made.token}"
        answer = self.app.test_client(use_cookies=False).get(
            "/console/students/export.csv", base_url=self.settings.base_url, headers={"Cookie": cookie}
        )
        if answer.status_code != OK:
            raise CanaryFailure(f"The export answered {answer.status_code}.")
        if self.made.family not in answer.get_data(as_text=True):
            raise CanaryFailure("The export does not hold the child.")

    def _erase_child(self) -> None:
        known = self._known(Subject.STUDENT)
        began = time.monotonic()
        done = self._erased(Subject.STUDENT, self.made.student, known)
        took = round((time.monotonic() - began) * 1000)
        self._note(milliseconds=took, receipt=done.public_id)
        assert self.made.child is not None
        try:
            with transaction(self.made.child) as tx:
                tx.connection()
        except SessionEnded:
            return
        raise CanaryFailure("The erased child is still signed in.")

    def _erase_class(self) -> None:
        self._erased(Subject.CLASSROOM, self.made.classroom, self._known(Subject.CLASSROOM))

    def _erase_account(self) -> None:
        known = self._known(Subject.ACCOUNT, Subject.SCHOOL)
        with transaction(self.eraser.who) as tx:
            account = tx.scalars(select(Account.public_id).where(*_of(self.made.address))).one()
        self._erased(Subject.ACCOUNT, account, known)

    def _erased(self, subject: Subject, public_id: str, known: Known) -> Erasure:
        """Erase it as everything is erased; check the receipt as anybody does, and look for all of it."""
        done = services.erase(
            eraser=self.eraser, subject=subject, public_id=public_id, asked_as=AskedAs.CANARY
        )
        if done.stage != Stage.VERIFIED or done.receipt is None:
            raise CanaryFailure(f"Erasing a {subject} did not end: {done.stage}.")
        self._check_receipt(done, done.receipt)
        with transaction(self.eraser.who) as tx:
            left = traces.left_of(tx, known, self.eraser.tables)
        # Addresses and names are in no log, erased or not.
        left += traces.logs_with(self.settings.log_dir, [self.made.family, self.made.address])
        if left:
            raise CanaryFailure(f"Left of a {subject} after erasing it: {', '.join(left)}.")
        return done

    def _check_receipt(self, done: Erasure, receipt: str) -> None:
        client = self.app.test_client(use_cookies=False)
        path = f"/receipts/{done.public_id}/receipt.json?hash={receipts.hash_of(receipt)}"
        answer = client.get(path, base_url=self.settings.base_url)
        if answer.status_code != OK:
            raise CanaryFailure(f"The page of a receipt answered {answer.status_code}.")
        try:
            receipts.public_key().verify(done.signature or b"", answer.data)
        except InvalidSignature:
            raise CanaryFailure("A receipt is not signed by us.") from None
        if receipts.read(answer.get_data(as_text=True))["left"] != 0:
            raise CanaryFailure("A receipt says that something is left.")

    def _teacher(self) -> Principal:
        with transaction(signing_in.credential(self.made.token, None)) as tx:
            return tx.principal

    def _known(self, *subjects: Subject) -> Known:
        """By what those would be found who are about to go."""
        made = self.made
        with transaction(self.eraser.who) as tx:
            numbers = {each: _number(tx, each, made) for each in subjects}
        outside = [getattr(made, each.value, "") for each in subjects]
        return Known(numbers, [each for each in outside if each], made.address, GIVEN, made.family)

    def _note(self, **values: Any) -> None:
        with transaction(self.eraser.who) as tx:
            tx.execute(update(Canary).where(Canary.id == self.number).values(**values))


def _number(tx: Transaction, subject: Subject, made: Made) -> int:
    account = select(Account.id).where(*_of(made.address))
    by_subject = {
        Subject.STUDENT: select(Student.id).where(Student.public_id == made.student),
        Subject.CLASSROOM: select(Classroom.id).where(Classroom.public_id == made.classroom),
        Subject.SCHOOL: select(Membership.school_id).where(Membership.account_id.in_(account)),
        Subject.ACCOUNT: account,
    }
    return int(tx.scalars(by_subject[subject]).one())  # type: ignore[arg-type]


def _joined(*said: str | None) -> str:
    return " ".join(each for each in said if each)


def _cleared(eraser: Eraser, address: str) -> str | None:
    """None when nothing of a made-up school is left; else what kept it: the test ends all the same."""
    try:
        _clear(eraser, address)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the next night tries again
        # Its kind and not its words, as above.
        return f"{NOT_CLEARED}: {type(error).__name__}."
    return None


def _clear(eraser: Eraser, address: str) -> None:
    """Take away whatever there is of a made-up school, by the address of its teacher."""
    with transaction(eraser.who) as tx:
        begun = tx.scalars(
            select(Erasure.id).where(
                Erasure.asked_as == AskedAs.CANARY,
                Erasure.stage.in_([Stage.CONFIRMED, Stage.NOTED, Stage.ERASED]),
            )
        ).all()
    carry_out_all(eraser, begun)
    with transaction(eraser.who) as tx:
        account = tx.scalar(select(Account.public_id).where(*_of(address)))
        tx.execute(delete(SignUp).where(SignUp.email_index == email_index(address)))
    if account is not None:
        services.erase(eraser=eraser, subject=Subject.ACCOUNT, public_id=account, asked_as=AskedAs.CANARY)


def _end(who: Purpose, number: int, problem: str | None) -> Canary:
    with transaction(who) as tx:
        row = tx.scalars(select(Canary).where(Canary.id == number)).one()
        row.ended_at, row.problem = clock.now(), problem
        record(tx, "erasures.try-out", canary=number, failed=problem is not None)
        tx.flush()
        return row


def _of(address: str) -> tuple[Any, ...]:
    return (Account.email_index == email_index(address),)


def _address(public_id: str) -> str:
    return f"{public_id}@{DOMAIN}"

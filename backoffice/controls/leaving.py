"""Whether a computer that several use can be left: a way out on every page, and an end by itself without it.

Pages are asked for as real accounts, in a transaction that is undone; nothing of what they show is kept.
"""

from collections.abc import Iterator, Mapping

from flask import Flask
from sqlalchemy import ColumnElement, and_, select
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access import probe
from backoffice.accounts.models import Account, AccountSecondFactor
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from backoffice.controls.visiting import answered_to_a_child, answered_to_one
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.schools.let_in import children_let_in
from backoffice.schools.models import (
    Classroom,
    Membership,
    Role,
    TeachingRole,
)

OK = 200
SHORTER, LONGER = 3, 4
WAY_OUT = 'action="/sign-out"'
CHILDS_WAY_OUT = 'action="/student/leave"'
CHILDS_PAGE = "students/student.html"
CHILDS_PAGES = "/student"
CHOICE = 'type="checkbox" name="shared"'

# One of each is enough: what a page shows differs, its frame does not.
_ROLES: Mapping[str, ColumnElement[bool]] = {
    "founder": and_(Account.founder, Account.id.in_(select(AccountSecondFactor.account_id))),
    "leader": Account.id.in_(select(Membership.account_id).where(Membership.role == Role.LEADER)),
    "teacher": Account.id.in_(select(TeachingRole.account_id)),
    "parent": Account.id.in_(
        select(GuardianLink.account_id).where(GuardianLink.status == GuardianStatus.APPROVED)
    ),
}


def shared_computers(look: Looking) -> Finding:
    """A shared device ends sessions after minutes, and every page of whoever is signed in has a way out."""
    wrong = _what_lasts_too_long(look) or _what_is_missing(look)
    pages = [path for path in _pages(look.app) if _is_behind(look, path)]
    seen: dict[str, set[str]] = {}
    for role, which in _ROLES.items() if not wrong else ():
        for path, answer in _opened(answered_to_one(look, which, pages)):
            seen.setdefault(role, set()).add(path)
            wrong = wrong or _what_is_wrong(path, role, answer)
    childs = [path for path in _pages(look.app) if path.startswith(CHILDS_PAGES)]
    for path, answer in _opened(answered_to_a_child(look, childs)) if not wrong else ():
        seen.setdefault("child", set()).add(path)
        wrong = wrong or _what_is_wrong(path, "child", answer, CHILDS_WAY_OUT)
    if wrong:
        return falls_short(wrong)
    if not seen:
        return not_exercised("Nobody has an account yet.")
    sessions = look.settings.sessions
    return holds(
        f"{count(len(set().union(*seen.values())), 'page')} tried as {', '.join(seen)}: each has a way out,"
        f" no cache keeps one; at a shared device a child is out after {sessions.student_idle_shared} idle"
        f" minutes, anybody else after {sessions.account_idle_shared}."
    )


def _what_lasts_too_long(look: Looking) -> str | None:
    child, adult = registry.current().control("shared-computers").times
    sessions = look.settings.sessions
    idle_child, idle_adult = sessions.student_idle_shared, sessions.account_idle_shared
    if sessions.span(idle_child) > child or sessions.span(idle_adult) > adult:
        return (
            f"At a shared device a child is out after {count(idle_child, 'idle minute')},"
            f" anybody else after {idle_adult}."
        )
    if not _child_gets_the_shorter(look):
        return "A class whose devices are shared gives its children the longer idle time."
    return None


def _what_is_missing(look: Looking) -> str | None:
    sign_in = look.app.test_client(use_cookies=False).get("/sign-in", base_url=look.settings.base_url)
    if CHOICE not in sign_in.text:
        return "/sign-in does not ask whether others use the computer too."
    if CHILDS_WAY_OUT not in _with_its_frame(look.app, CHILDS_PAGE):
        return "The page of a child has no way out."
    return None


def _what_is_wrong(path: str, role: str, answer: Response, way_out: str = WAY_OUT) -> str | None:
    if way_out not in answer.get_data(as_text=True):
        return f"{path} has no way out for a {role}."
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        return f"{path} may be kept in a cache: the back button shows it to whoever comes next."
    return None


def _child_gets_the_shorter(look: Looking) -> bool:
    """Whether the database lets a child come in for the shorter time; so it does where there is no child."""
    row = look.tx.execute(children_let_in(clock.now()).where(Classroom.shared_devices).limit(1)).first()
    if row is None:
        return True
    child = (row.code_index, row.public_id)
    with probe.as_student(*child, pin_hash=row.pin_hash, idle_shared=SHORTER, idle_own=LONGER) as (_, who):
        return who.idle_minutes == SHORTER


def _with_its_frame(app: Flask, template: str) -> str:
    """A template and the one that it stands in."""
    environment = app.jinja_env
    assert environment.loader is not None
    frame = f"{template.partition('/')[0]}/base.html"
    return "".join(environment.loader.get_source(environment, name)[0] for name in (template, frame))


def _pages(app: Flask) -> Iterator[str]:
    """Every address without a variable that somebody can look at; a file is none."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments and "." not in rule.rule:
            yield rule.rule


def _is_behind(look: Looking, path: str) -> bool:
    """Whether a visitor is sent to sign in first."""
    answer = look.app.test_client(use_cookies=False).get(path, base_url=look.settings.base_url)
    return answer.headers.get("Location") == "/sign-in"


def _opened(answers: Iterator[tuple[str, Response]]) -> Iterator[tuple[str, Response]]:
    """Those of the pages that open."""
    return (
        (path, answer)
        for path, answer in answers
        if answer.status_code == OK and answer.mimetype == "text/html"
    )


CHECKS = (Check("shared-computers", shared_computers),)

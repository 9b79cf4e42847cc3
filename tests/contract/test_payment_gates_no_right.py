"""With a plan that holds nothing at all, everything works as before but making something new.

Every form that somebody may send is sent twice as it stands in the registry of routes: without a plan, and
with one of which every entitlement is 0. It answers the same and does the same, unless it is one of the few
that make a class, a student or a member of staff; those refuse with the sentence and do nothing. Every page
answers both times the same.
"""

import pytest

from backoffice.entitlements import GOES_ON, Entitlement
from backoffice.runtime import Runtime
from tests.contract.actors import Actor, Thing
from tests.contract.matrix import Matrix, first
from tests.contract.routes import FORMS, Filled, Route, form_keys, permission_of
from tests.contract.snapshot import Change
from tests.factories.plans import NOTHING, no_plan, plan

# Whatever makes something new by a form. A door that is not among them and asks fails here; so does one that
# is and does not ask. Those in whose form nobody is new are in tests/test_entitlements.py.
CREATIONS = frozenset(
    {
        "console_classrooms.new",
        "console_classrooms.paste",
        "console_classrooms.import_confirmed",
        "console_students.import_confirmed",
        "console_invitations.new",
        "console_class_teachers.invite",
        "plugin_exports_exports.back_confirmed",
    }
)
# Whoever has rights that somebody could want to sell them.
WHO = ("founder", "leader", "officer", "teacher", "alone", "parent", "student", "nobody")
MADE = {f"added app.{table}" for table in ("classroom", "student", "invitation", "membership")}
NEVER = ("export", "delete", "erase", "security", "notice", "breach", "report", "sign")


def test_no_entitlement_is_about_a_right() -> None:
    names = [*Entitlement, *(str(each.called) for each in Entitlement)]
    assert not [name for name in names for word in NEVER if word in name.lower()]


def done(changes: list[Change]) -> list[str]:
    """What an attempt did, without what differs each time it is made."""
    return sorted(f"{each.kind} {each.table}" for each in changes)


def answered(matrix: Matrix, runtime: Runtime, role: str, route: Route) -> tuple[set[str], list[str]]:
    """Which forms of a route refuse with a plan, and what is not the same although it has to be."""
    actor, problems, refused = matrix.actor(role), [], set()
    keys = list(form_keys(matrix.app, route)) if route.method == "POST" else [("", None)]
    for key, opened_by in keys:
        permission = opened_by if key else permission_of(matrix.app, route)
        kind = next(iter(route.kinds.values()), None)
        thing = first(matrix, actor, route, permission, kind)
        if (kind and thing is None) or not matrix.may(actor, route, permission, thing):
            continue
        filled = FORMS[key](matrix.stage, actor, thing) if key else None
        with no_plan(runtime):
            before = matrix.knock(actor, route, thing, filled)
            did = done(matrix.settle())
        with plan(runtime, NOTHING):
            after = matrix.knock(actor, route, thing, filled)
            does = done(matrix.settle())
            if key in CREATIONS and MADE & {*did}:
                refused.add(key)
                if MADE & {*does} or not says_so(matrix, actor, route, thing, filled):
                    problems.append(f"{role} {route} {key}: does {does}, or does not say why not")
                continue
        if (before.status_code, did) != (after.status_code, does):
            problems.append(
                f"{role} {route} {key}: answered {before.status_code} and did {did},"
                f" with a plan {after.status_code} and {does}"
            )
    return refused, problems


def says_so(matrix: Matrix, actor: Actor, route: Route, thing: Thing | None, filled: Filled | None) -> bool:
    """Whether a person reads the sentence, on the page itself or on that to which it leads."""
    browser = matrix.stage.browser(matrix.app, actor)
    address = route.address(matrix.app, **dict.fromkeys(route.kinds, thing.public_id if thing else ""))
    sent = {"csrf_token": actor.token, **(filled.fields if filled else {})}
    sent = {name: value() if callable(value) else value for name, value in sent.items()}
    query = filled.query if filled else None
    said = browser.post(address, query_string=query, data=sent, follow_redirects=True).text
    matrix.settle()
    return str(GOES_ON) in said


@pytest.mark.by_turns
@pytest.mark.parametrize("role", WHO)
def test_a_plan_that_holds_nothing_stops_what_is_new_and_nothing_else(
    matrix: Matrix, runtime: Runtime, role: str
) -> None:
    problems: list[str] = []
    refused: set[str] = set()
    for route in matrix.routes:
        stopped, wrong = answered(matrix, runtime, role, route)
        refused |= stopped
        problems += wrong
    assert not problems, "\n".join(problems)
    if role == "leader":
        assert refused == CREATIONS, sorted(CREATIONS ^ refused)

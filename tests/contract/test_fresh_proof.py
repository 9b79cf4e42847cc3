"""Doors to what reaches far: who has not just proved to be it is asked to first, and nothing is done."""

from datetime import timedelta

from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import proof
from backoffice.console.grid import Grid
from tests.contract.actors import Actor, Thing
from tests.contract.matrix import ROLES, Matrix
from tests.contract.routes import FORMS, Route, door, form_keys, permission_of
from tests.factories.world import SYSTEM

PROVE = "/account/prove"
# Each with a reason to be here; one that is missing lets a browser that was left open do what it names.
FAR_REACHING = {
    # What is taken out as a file is out of everybody's hands.
    "console_classrooms.export",
    "console_classrooms.export_found",
    "console_students.export",
    "console_students.export_found",
    "console_teachers.export",
    "console_teachers.export_found",
    "console_families.export",
    "console_families.export_found",
    "console_family-invitations.export",
    "console_family-invitations.export_found",
    "console_invitations.export",
    "console_invitations.export_found",
    "console_schools.export",
    "console_schools.export_found",
    "console_reports.export",
    "plugin_notifications_incidents.export",
    "plugin_notifications_incidents.evidence",
    "plugin_notifications_incidents.scope",
    "plugin_notifications_incidents.withdraw",
    # What was mailed cannot be called back.
    "plugin_notifications_notices.step",
    # Where people are, on paper.
    "plugin_notifications_notices.letters",
    "plugin_notifications_notices.posted",
    "plugin_notifications_notices.handed_in",
    # A school owes money from then on, or no longer, or no tax.
    "plugin_billing_billing.order",
    "plugin_billing_billing.order_again",
    "plugin_billing_billing.paid",
    "plugin_billing_billing.exemption",
    # What is paid.
    "plugin_billing_billing.seats",
    "plugin_billing_billing.confirm",
    "plugin_billing_billing.act",
    "plugin_billing_subscriptions.export",
    "plugin_billing_purchase-orders.export",
    "plugin_billing_stripe-messages.export",
    # Where a district is called, and with what calls are signed.
    "plugin_notifications_hooks.edit",
    "plugin_notifications_hooks.act",
    # By when whom we tell.
    "plugin_notifications_contracts.state",
    "plugin_notifications_contracts.state_district",
    "plugin_notifications_contracts.export",
    "plugin_notifications_school-incidents.export",
    "console_security.export",
    "console_outbox.export",
    "plugin_rosters_rosters.export",
    "console_students.import_current",
    "console_classrooms.import_current",
    # What nothing brings back.
    "console_erasures.confirm",
    "console_fields.erase",
    # What everybody's erasing waits for, and what lets it go on.
    "console_holds.propose",
    "console_holds.step",
    "console_holds.review",
    "plugin_retention_retention.go_on",
    # What holds for every school.
    "plugin_retention_retention.propose",
    "plugin_retention_retention.confirm",
    "plugin_retention_retention.withdraw",
    "console_schools.end_contract",
    "console_schools.continue_contract",
    # Who may do what where.
    "console_invitations.new",
    "console_class_teachers.give",
    "console_class_teachers.change",
    "console_class_teachers.take",
    "console_class_teachers.invite",
    "console_teachers.act:invite",
    "console_teachers.leave",
    # Who gets in at all, and with what.
    "console_accounts.suspend",
    "console_accounts.reinstate",
    "console_accounts.reset_factor",
    "console_teachers.suspend",
    "console_teachers.reinstate",
    "console_teachers.reset_factor",
    "console_schools.second_factor",
    "console_schools.staff_sign_in",
    # Who hears of a breach instead of the leaders.
    "console_schools.contacts",
    "console_schools.district_contacts",
    "plugin_rosters_rosters.upload",
    "plugin_rosters_rosters.bring_in",
    # What the whole product does, for everybody.
    "console_plugins.switch",
    "console_plugins.configure",
    "console_changes.plugin_settings",
}


def keys(matrix: Matrix, route: Route) -> list[str]:
    """The forms behind a route; for a page its own name."""
    found = [key for key, _ in form_keys(matrix.app, route)] if route.method == "POST" else []
    return found or [route.endpoint]


def wants_proof(matrix: Matrix, route: Route, key: str) -> bool:
    """Whether the door, or the bulk action, says that it reaches far."""
    found = door(matrix.app, route)
    if found is None:
        return False
    view, name = found
    actions = view.actions if isinstance(view, Grid) and route.method == "POST" else ()
    return (name in view.fresh and name in view.doors) or any(
        each.fresh and key.endswith(f":{each.name}") for each in actions
    )


def theirs(matrix: Matrix, actor: Actor, route: Route) -> list[Thing | None]:
    """What the actor may do it to: nothing in particular, or own things but the own account."""
    kind = next(iter(route.kinds.values()), None)
    own = matrix.stage.own(actor, kind) if kind else [None]
    permission = permission_of(matrix.app, route)
    return [
        each
        for each in own
        if matrix.may(actor, route, permission, each)
        and not (each and each.kind == "account" and each.id == actor.principal.account_id)
    ]


def test_what_reaches_far_is_known(matrix: Matrix) -> None:
    found = {key for route in matrix.routes for key in keys(matrix, route) if wants_proof(matrix, route, key)}
    assert found == FAR_REACHING


def test_without_a_fresh_proof_nothing_is_done(matrix: Matrix) -> None:
    tried, problems = set(), []
    for actor in map(matrix.actor, ROLES):
        for route in matrix.routes:
            things = theirs(matrix, actor, route)
            if door(matrix.app, route) is None or not things:
                continue
            for key, thing in ((key, things[0]) for key in keys(matrix, route)):
                far = key in FAR_REACHING
                # What asks for nothing asks nobody: one sees to that.
                if not far and (key, route.method) in tried:
                    continue
                filled = FORMS[key](matrix.stage, actor, thing) if route.method == "POST" else None
                with transaction(SYSTEM) as tx:
                    late = clock.now() - proof.LASTS - timedelta(seconds=1)
                    tx.execute(update(AccountSession).values(proven_at=late))
                answer = matrix.knock(actor, route, thing, filled)
                done = [each for each in matrix.settle() if each.table != "app.account_session"]
                asked = (answer.status_code, answer.location) == (303, PROVE)
                if asked != far or (far and done):
                    problems.append(f"{actor.name} {route} {key}: {answer.status} {answer.location}, {done}")
                tried.add((key, route.method))
    assert problems == []
    assert {key for key, _ in tried} >= FAR_REACHING

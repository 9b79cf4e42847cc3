"""What the page of permissions ticks is what happens: every route behind a permission, by everybody.

The page is read as it is served; who may what is not asked of the policy here. Each actor's roles are those
by which the world was built.
"""

from collections.abc import Iterator, Mapping

import pytest

from backoffice.console.permissions import ROLES as TITLES
from tests.contract import ticks
from tests.contract.actors import NAMED, Actor, Thing
from tests.contract.matrix import ROLES, Matrix, is_nowhere
from tests.contract.routes import FORMS, Filled, Route, door, form_keys, permission_of

# What each is in the place that is its own.
ARE: Mapping[str, tuple[str, ...]] = {
    "founder": ("founder",),
    "leader": ("leader",),
    "officer": ("privacy_officer",),
    "teacher": ("teacher", "owner"),
    "colleague": ("teacher", "owner"),
    "elsewhere": ("teacher", "owner"),
    "outsider": ("teacher", "owner"),
    "alone": ("teacher", "sole_teacher", "owner"),
    "co_teacher": ("teacher", "co_teacher"),
    "helper": ("teacher", "helper"),
    "mixed": ("teacher", "owner", "helper", "guardian"),
    "parent": ("guardian",),
    "foreign_parent": ("guardian",),
    "student": ("student",),
    "nobody": (),
}
# Who opens the console at all, and what is done in it.
ENTER = "console:enter"


@pytest.fixture(scope="module")
def ticked(matrix: Matrix) -> Mapping[str, set[str]]:
    """The roles that the page ticks, by permission; founders and leaders read the same."""
    titles = {title: role.value for role, (title, _) in TITLES.items()}
    pages = []
    for reader in ("founder", "leader"):
        answer = matrix.stage.browser(matrix.app, matrix.actor(reader)).get("/console/permissions/")
        _, lines = ticks.read(answer.text)
        pages.append({name: {titles[each] for each in line.roles} for name, line in lines.items()})
    assert pages[0] == pages[1]
    return pages[0]


def attempts(matrix: Matrix, actor: Actor) -> Iterator[tuple[Route, str, str, list[Thing | None]]]:
    """Each route, or bulk action, behind a permission, with the things to try it on: own ones first."""
    for route in matrix.routes:
        kind = next(iter(route.kinds.values()), None)
        keys = list(form_keys(matrix.app, route)) if route.method == "POST" else [("", None)]
        for key, of_form in keys:
            permission = of_form or permission_of(matrix.app, route)
            if permission is None:
                continue
            things: list[Thing | None] = [None]
            if kind:
                own = matrix.stage.own(actor, kind)
                things = list(own or matrix.stage.of(kind)[:1])
            yield route, key, permission, things


@pytest.mark.by_turns
@pytest.mark.parametrize("name", ROLES)
def test_the_page_ticks_what_opens(matrix: Matrix, ticked: Mapping[str, set[str]], name: str) -> None:
    actor, roles = matrix.actor(name), set(ARE[name])
    assert set(ARE) == set(ROLES), "Say here what the world's new people are."
    wrong, opened, closed = [], 0, 0
    for route, key, permission, things in attempts(matrix, actor):
        assert permission in ticked, f"{route}: the page knows nothing of {permission}"
        inside = door(matrix.app, route) is not None
        expected = bool(roles & ticked[permission]) and (not inside or bool(roles & ticked[ENTER]))
        if expected and things[0] is not None and not actor.owns(things[0]):
            continue  # The page says so of places that this one has nothing at.
        if things[0] is not None and is_nowhere(matrix, actor, route, things[0].kind):
            continue  # And of schools, where this one has but the own.
        if expected and things[0] is not None and things[0].kind not in NAMED:
            opens = any(opened_to(matrix, actor, route, key, thing) for thing in things)
        else:
            opens = opened_to(matrix, actor, route, key, things[0])
        opened, closed = opened + opens, closed + (not opens)
        if opens != expected:
            wrong.append(f"{route} {key}: {permission} is {'' if expected else 'not '}ticked, it is not so")
    assert wrong == []
    # Not by one answer to everything.
    assert closed > 10
    assert opened >= (0 if name in {"student", "nobody"} else 1)


def opened_to(matrix: Matrix, actor: Actor, route: Route, key: str, thing: Thing | None) -> bool:
    """Whether the actor gets what is behind the route, with a form that is filled in; it is undone."""
    filled = FORMS[key](matrix.stage, actor, thing) if key else Filled({})
    answer = matrix.knock(actor, route, thing, filled)
    changes = matrix.settle()
    if answer.status_code == 303 and answer.location == "/sign-in":
        assert not changes
        return False
    assert answer.status_code < 500, f"{route}: {answer.status}"
    if answer.status_code == 404:
        assert not changes
    return answer.status_code < 400 or answer.status_code == filled.refused

"""Every route, every role, every identifier that is somebody else's: 404, and nothing changes.

Each attempt has a twin with the actor's own identifier that must work, or be denied by the policy: else
a page that always fails would look like one that is well guarded. The world is put back after whatever
changed it, so the order of attempts means nothing.

The attempts that take longest, by addresses and by forms, are in modules of their own, so that they run at
the same time: test_isolation_addresses.py and test_isolation_forms.py.
"""

from typing import Any

import pytest
from flask import Flask

from backoffice.web.converters import CONVERTERS
from tests.contract.actors import KINDS, NAMED
from tests.contract.matrix import ROLES, Matrix, Tally, pages, searches
from tests.contract.pages import links
from tests.contract.routes import BEHIND, FORMS, PUBLIC, form_keys, is_known, is_static


def test_every_variable_of_an_address_names_its_entity(app: Flask) -> None:
    typed = set(CONVERTERS.values())
    untyped = [
        f"{rule.rule}: {name} is {type(converter).__name__}"
        for rule in app.url_map.iter_rules()
        if not is_static(rule)
        for name, converter in rule._converters.items()
        if type(converter) not in typed
    ]
    assert untyped == []
    files = [dict(rule._converters) for rule in app.url_map.iter_rules() if is_static(rule)]
    assert all(set(variables) == {"filename"} for variables in files)


def test_the_matrix_has_identifiers_for_every_converter() -> None:
    # Codes have a test of their own below, cards in tests/students, links and identity providers in
    # tests/accounts, receipts in tests/privacy.
    others = {"code", "card", "link", "provider", "receipt"}
    assert set(CONVERTERS) <= {*KINDS, *NAMED, *others}, "Give the stage things of the new kind."


def test_the_matrix_knows_every_role(matrix: Matrix) -> None:
    assert {actor.name for actor in matrix.stage.actors} == set(ROLES)


def test_what_opens_each_route_is_known(matrix: Matrix) -> None:
    unknown = [str(route) for route in matrix.routes if not is_known(matrix.app, route)]
    assert unknown == [], "Say in tests/contract/routes.py what opens these, or that they are public."
    there = {route.endpoint for route in matrix.routes}
    if matrix.app.extensions["backoffice"].plugins:
        assert {*PUBLIC, *BEHIND} <= there


def test_every_form_can_be_filled_in(matrix: Matrix) -> None:
    needed = {
        key
        for route in matrix.routes
        if route.method == "POST"
        for key, _permission in form_keys(matrix.app, route)
    }
    assert needed == set(FORMS), "Say in tests/contract/routes.py how these are filled in."


@pytest.mark.parametrize("role", ROLES)
def test_pages_and_what_they_are_asked_for(matrix: Matrix, tally: Tally, role: str) -> None:
    """Pages show nothing foreign, offer nothing foreign, and take nothing foreign in their query."""
    pages(matrix, tally, role)
    tally.verdict()


def test_nobody_gets_in_by_the_code_of_another_class(matrix: Matrix, tally: Tally) -> None:
    """A code shows the names of its own class and lets in its own children, nobody else's."""
    actor = matrix.actor("nobody")
    scanned = next(r for r in matrix.routes if r.endpoint == "students.scanned")
    taken = next(r for r in matrix.routes if r.endpoint == "students.choose")
    for room in matrix.stage.of("classroom"):
        assert room.code
        others = [t for t in matrix.stage.of("student") if t.place != room.place]
        browser = matrix.stage.browser(matrix.app, actor)
        answer = browser.get(scanned.address(matrix.app, **{next(iter(scanned.kinds)): room.code}))
        page = browser.get(answer.location or "").text
        tally.twins += 1
        shared = {"own", "colleague"}
        for student in matrix.stage.of("student"):
            inside = student.place == room.place
            if inside and student.public_id not in page:
                tally.problems.append(f"The code of {room.place} does not show its own children")
            if not inside and student.public_id in page and {student.place, room.place} != shared:
                tally.problems.append(f"The code of {room.place} shows a child of {student.place}")
        for student in others:
            if {student.place, room.place} == shared:
                continue  # one of them is in both; the next test looks at that
            fields = {"code": room.code, "student": student.public_id}
            response = matrix.knock(actor, taken, fields=fields)
            tally.pairs += 1
            if response.status_code != 422 or matrix.settle():
                tally.problems.append(f"A child of {student.place} came in by the code of {room.place}")
    assert matrix.settle() == []
    tally.verdict()


def test_a_child_that_left_a_class_does_not_come_in_again(matrix: Matrix) -> None:
    taken = next(r for r in matrix.routes if r.endpoint == "students.choose")
    own = matrix.stage.world.own_class
    departed = matrix.stage.world.colleague_class.children[-1]
    fields = {"code": own.code, "student": departed.public_id}
    response = matrix.knock(matrix.actor("nobody"), taken, fields=fields)
    assert response.status_code == 422
    assert matrix.settle() == []


@pytest.mark.parametrize("role", ROLES)
def test_search_finds_the_own_children_only(matrix: Matrix, tally: Tally, role: str) -> None:
    """The beginning of a foreign child's name finds nobody, and is not told from one that nobody has."""
    searches(matrix, tally, role)
    tally.verdict()


BROKEN_INPUT = ("\0", "a\0b", "' or true --", "\udcff", "٣" * 16, "x" * 5000, "-1", "null", "%s")


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ["leader", "nobody"])
def test_what_is_no_identifier_is_no_failure(matrix: Matrix, tally: Tally, role: str) -> None:
    """Whatever stands where an identifier should, the answer is a page and not a failure."""
    actor = matrix.actor(role)
    for route in matrix.routes:
        for key in [k for k, _p in form_keys(matrix.app, route)] if route.method == "POST" else [""]:
            kind = next(iter(route.kinds.values()), None)
            thing = next(iter(matrix.stage.own(actor, kind)), None) if kind in {*KINDS, *NAMED} else None
            if kind and thing is None:
                continue
            filled = FORMS[key](matrix.stage, actor, thing) if key else None
            names = {*KINDS, "before", "after", "q", "rowid", *(filled.fields if filled else ())}
            for number, broken in enumerate(BROKEN_INPUT):
                # In turn all at once and one alone: a field that is refused hides what the next does.
                if filled and filled.fields:
                    alone = list(filled.fields)[number // 2 % len(filled.fields)]
                    way, shapes = "fields", [list(filled.fields), [alone]]
                else:
                    way, shapes = "query", [list(names), ["classroom"], ["q"]]
                shape = shapes[number % len(shapes)]
                written: dict[str, Any] = {
                    way: dict.fromkeys(shape, broken.encode("utf-8", "surrogateescape"))
                }
                response = matrix.knock(actor, route, thing, filled, **written)
                matrix.settle()
                if response.status_code >= 500:
                    said = f"{role} {route} {key} with {broken[:12]!r} as {shape}"
                    tally.problems.append(f"{said[:160]}: answered {response.status}")
    tally.verdict()


def test_founders_and_officers_see_no_child(matrix: Matrix) -> None:
    """Not a name, not a class, on any page that they can open by following links."""
    for role in ("founder", "officer"):
        actor = matrix.actor(role)
        seen, todo = set(), ["/console/", "/"]
        while todo:
            address = todo.pop()
            if address in seen:
                continue
            seen.add(address)
            response = matrix.stage.browser(matrix.app, actor).get(address)
            assert not [name for name in matrix.stage.children if name in response.text], address
            assert not matrix.leaked(actor, response), address
            if response.mimetype == "text/html":
                todo += [each for each in links(response.text) if each.startswith("/")]
        assert "/console/schools/" in seen
        matrix.settle()


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ROLES)
def test_links_lead_where_one_may_go(matrix: Matrix, tally: Tally, role: str) -> None:
    """Whoever follows the links of the own pages meets no closed door and nothing foreign."""
    actor = matrix.actor(role)
    seen: set[str] = set()
    todo = ["/", "/console/", "/family", "/student"]
    while todo:
        address = todo.pop()
        if address in seen:
            continue
        seen.add(address)
        response = matrix.stage.browser(matrix.app, actor).get(address)
        if strangers := matrix.leaked(actor, response):
            tally.problems.append(f"{role} {address}: shows {strangers}")
        if response.status_code >= 400 and address not in {"/console/", "/family", "/student"}:
            tally.problems.append(f"{role} {address}: a link to it, but {response.status_code}")
        if response.mimetype == "text/html" and response.status_code < 300:
            base = address.partition("?")[0]
            todo += [
                base.rpartition("/")[0] + "/" + each if each.startswith("export") else each
                for each in links(response.text)
                if each.startswith(("/", "export"))
            ]
    matrix.settle()
    tally.verdict()

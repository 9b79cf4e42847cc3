"""A form that is sent with nothing in it says what is wrong, on top and by each field, for eyes and ears."""

import re
from http import HTTPStatus

import pytest

from tests.contract.matrix import Matrix, Tally
from tests.contract.pages import body_of
from tests.contract.routes import FORMS, door, form_keys

# Whom a form is tried as: the first for whom it opens.
ROLES = ("teacher", "leader", "founder")
TAG = re.compile(r"<(?:input|select|textarea|fieldset)\b[^>]*>")
TOP = '<div class="notice notice-bad" role="alert" tabindex="-1" autofocus'
# Forms that came back with errors at their fields, at the least.
ENOUGH = 12


def test_what_is_missing_is_said_on_top_and_by_the_field(matrix: Matrix, tally: Tally) -> None:
    refused = by_field = 0
    for route in matrix.routes:
        if route.method != "POST" or door(matrix.app, route) is None:
            continue
        for key, permission in form_keys(matrix.app, route):
            kind = next(iter(route.kinds.values()), None)
            for role in ROLES:
                actor = matrix.actor(role)
                things = matrix.stage.own(actor, kind) if kind else [None]
                thing = next((each for each in things if matrix.may(actor, route, permission, each)), None)
                if (thing is None and kind) or not matrix.may(actor, route, permission, thing):
                    continue
                filled = FORMS[key](matrix.stage, actor, thing)
                fields = {name: "" for name in filled.fields if name not in {"action", "rowid", "confirm"}}
                address = route.address(matrix.app, **{n: thing.public_id for n in route.kinds if thing})
                answer = matrix.stage.browser(matrix.app, actor).post(
                    address, data={"csrf_token": actor.token, **fields}, query_string=filled.query
                )
                if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
                    refused += 1
                    page = body_of(answer)
                    by_field += 'aria-invalid="true"' in page
                    tally.problems += [f"{role} {route} {key}: {each}" for each in wrong_with(page)]
                else:
                    # Nothing was missing in it: whatever it did is taken back.
                    matrix.settle()
                break
    matrix.settle()
    tally.verdict()
    assert by_field >= ENOUGH, f"{by_field} of {refused}"


def wrong_with(page: str) -> list[str]:
    """What of a page with errors somebody could not find, or not hear."""
    summary = re.search(
        r'<div class="notice notice-bad" role="alert" tabindex="-1" autofocus.*?</div>\s*</div>',
        page,
        re.DOTALL,
    )
    if summary is None:
        return ["says nothing on top that takes the focus"]
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    found = []
    linked = re.findall(r'href="#([^"]+)"', summary.group())
    found += [f"links to {each}, which is not there" for each in linked if each not in ids]
    for tag in TAG.findall(page):
        name, described = attribute(tag, "id"), (attribute(tag, "aria-describedby") or "").split()
        found += [
            f"{name} is described by {each}, which is not there" for each in described if each not in ids
        ]
        if 'aria-invalid="true"' in tag:
            if not any(each.endswith("-error") or each.startswith("problem") for each in described):
                found.append(f"{name} does not say what is wrong")
            if name not in linked:
                found.append(f"{name} is not named on top")
    return found


def attribute(tag: str, name: str) -> str | None:
    """An attribute of a tag."""
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return found.group(1) if found else None


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("<p>Something is wrong</p>", "nothing on top"),
        ('{}<a href="#a">A</a></div></div>', "links to a"),
        ('{}<a href="#a">A</a></div></div><input id="a" aria-invalid="true">', "does not say"),
        (
            '{}</div></div><input id="a" aria-invalid="true" aria-describedby="a-error"><p id="a-error">',
            "on top",
        ),
    ],
)
def test_a_page_that_hides_an_error_is_noticed(page: str, wrong: str) -> None:
    assert any(wrong in each for each in wrong_with(page.replace("{}", f"{TOP}><div>")))

"""What plugins offer for one row of a list: a button beside its actions, for the row that is ticked."""

from typing import Any

from sqlalchemy import Select
from werkzeug.datastructures import MultiDict

from backoffice.access.policy import Denied
from backoffice.access.transaction import Transaction
from backoffice.console.grids.bulk import NOTHING
from backoffice.web.offered import Where, offered_ticked

# What the button is called in the form; its value is the plugin's name.
WANTED = "offered"


class NotOne(Exception):
    """There is not one row that it could be for; `sentence` says what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def buttons(tx: Transaction, where: Where | None) -> list[tuple[str, str]]:
    """Value and title of the button of each page that is offered."""
    return [(page.plugin, ticked.title) for page, ticked in (offered_ticked(tx, where) if where else ())]


def address(
    tx: Transaction, where: Where | None, rows: Select[Any], entity: Any, form: MultiDict[str, str]
) -> str:
    """Where the button leads that was pressed, of the row that was ticked. Raises `NotOne`, `Denied`."""
    wanted = form[WANTED]
    pages = (each for each in (offered_ticked(tx, where) if where else ()) if each[0].plugin == wanted)
    page, ticked = next(pages, (None, None))
    if page is None or ticked is None:
        raise Denied
    rowids = list(dict.fromkeys(form.getlist("rowid")))
    if len(rowids) > 1 or form.get("whole"):
        raise NotOne(ticked.several)
    thing = tx.scalars(rows.where(entity.public_id.in_(rowids))).one_or_none()
    if thing is None:
        raise NotOne(NOTHING.problem or "")
    if not page.may(tx, thing):
        raise NotOne(ticked.refused)
    return page.address.format(thing.public_id)

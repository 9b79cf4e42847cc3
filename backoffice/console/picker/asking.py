"""Looking for what is picked: which words somebody sent, for which field, and how often they may."""

from flask import request

from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext
from backoffice.problems import Throttled
from backoffice.schools import picking
from backoffice.schools.picking import LONGEST_WORDS, Pickable
from backoffice.throttles.tries import Claim, take
from backoffice.web.identity import settings

# The button that looks says for which field; the field beside it has the words. Only ever in a form.
FIND = "find"
WORDS = "find-"


def looked_for(name: str) -> str:
    """The words that are looked for, for this field; nothing where another button was pressed."""
    return words_for(name) if request.form.get(FIND) == name else ""


def words_for(name: str) -> str:
    """The words beside a field, as somebody typed them."""
    return request.form.get(f"{WORDS}{name}", "").replace("\0", "").strip()[:LONGEST_WORDS]


def is_looking() -> bool:
    """Whether the request looks for something to pick, and asks for nothing else."""
    return bool(looked_for(request.form.get(FIND, "")))


def look(tx: Transaction, relation: str, words: str, *, within: int | None = None) -> Pickable:
    """What is found. Raises `Throttled`."""
    count_search(tx.principal)
    return picking.pick(tx, relation, words, within=within)


def count_search(who: Principal) -> None:
    """Count one of the searches of the whole console: names are read and compared each time.

    Raises `Throttled`.
    """
    allowance = settings().throttles.find_account
    take(Claim("finding by account", allowance, str(who.account_id)))


def too_often(throttled: Throttled) -> str:
    """What somebody is told who looked too often."""
    return gettext("You searched very often. %(wait)s", wait=throttled.sentence)

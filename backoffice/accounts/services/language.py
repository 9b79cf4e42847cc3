"""The language that somebody reads pages and mails in."""

from sqlalchemy import select, update

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.audit.trail import record
from backoffice.language import catalogues
from backoffice.language.texts import gettext
from backoffice.problems import Rejected


def choose_language(*, principal: Principal, language: str) -> None:
    """Say everything to the principal in this language from now on. Raises `Rejected` for an unknown one."""
    if language not in catalogues.languages():
        raise Rejected(language=gettext("Choose a language of the list."))
    with transaction(principal) as tx:
        mine = Account.id == tx.principal.account_id
        if tx.scalar(select(Account.language).where(mine)) == language:
            return
        tx.execute(update(Account).where(mine).values(language=language))
        record(tx, "accounts.choose-language", language=language)

"""What was done with each plugin: who switched it and why, and which of its settings were changed."""

from collections.abc import Collection, Sequence

from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.policy import visible
from backoffice.access.principal import Credential, Kind
from backoffice.access.transaction import Transaction, transaction
from backoffice.host.kinds import HISTORY
from backoffice.host.models import Done, PluginHistory
from backoffice.privacy.retention import runs

MOST_SHOWN = 30


def note(
    tx: Transaction, plugin: str, done: Done, *, fields: Collection[str] = (), reason: str | None = None
) -> None:
    """Add a line, in the transaction that does it."""
    tx.execute(
        insert(PluginHistory).values(
            plugin=plugin,
            done=done,
            fields="\n".join(sorted(fields)) or None,
            reason=reason,
            at=clock.now(),
            done_by=tx.principal.account_id,
            at_server=tx.principal.kind is Kind.SYSTEM,
        )
    )


def lines(tx: Transaction, plugin: str, *, most: int = MOST_SHOWN) -> Sequence[PluginHistory]:
    """The newest lines of a plugin, the newest first."""
    own = visible(tx.principal, select(PluginHistory)).where(PluginHistory.plugin == plugin)
    return tx.scalars(own.order_by(PluginHistory.id.desc()).limit(most)).all()


def forget(credential: Credential) -> dict[str, int]:
    """Forget what was done more than six months ago; how many lines."""
    with transaction(credential) as tx:
        return {"lines": runs.forget(tx, HISTORY)}

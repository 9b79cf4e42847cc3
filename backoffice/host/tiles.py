"""The tile of plugins that are switched off."""

from sqlalchemy import select

from backoffice.access.permissions import PLUGINS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.host.models import PluginState
from backoffice.language.texts import gettext, lazy
from backoffice.tiles import Entry, List, Tile
from backoffice.web.identity import runtime
from backoffice.wording import spoken

PLUGINS = "/console/plugins/"


def _switched_off(tx: Transaction) -> List | None:
    """Those that somebody has switched off; one that came switched off is no news."""
    off = select(PluginState.name).where(PluginState.enabled.is_(False), PluginState.switched_at.is_not(None))
    found = tx.scalars(visible(tx.principal, off.order_by(PluginState.name))).all()
    titles = {each.name: each.title for each in runtime().plugins}
    return (
        List(
            [
                Entry(
                    # One that is not installed any more has no page.
                    titles.get(name) or spoken(name),
                    badge=gettext("Off"),
                    tone="warn",
                    url=f"{PLUGINS}{name}" if name in titles else None,
                )
                for name in found
            ]
        )
        if found
        else None
    )


TILES: tuple[Tile, ...] = (
    Tile("plugins-off", lazy("Plugins switched off"), PLUGINS_READ, _switched_off, PLUGINS),
)

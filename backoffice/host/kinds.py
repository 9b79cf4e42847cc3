"""How long it is kept what was done with plugins."""

from backoffice.host.models import PluginHistory
from backoffice.privacy.retention.kinds import Kind, Rows

HISTORY = Kind("plugin-history", (Rows(PluginHistory, PluginHistory.at),), events=True)
KINDS = (HISTORY,)

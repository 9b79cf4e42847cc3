"""Who may see what founders have decided about plugins."""

from backoffice.access.permissions import PLUGINS_READ
from backoffice.access.policy import Rule, register
from backoffice.host.models import PluginHistory, PluginState

register(
    Rule(PluginState, read=PLUGINS_READ, school=None),
    Rule(PluginHistory, read=PLUGINS_READ, school=None),
)

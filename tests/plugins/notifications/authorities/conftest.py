"""Two founders, as tests of notices have them."""

from tests.plugins.notifications.notices.conftest import backup, founders, incident

__all__ = ["backup", "founders", "incident"]

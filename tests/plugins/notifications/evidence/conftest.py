"""Two founders, as tests of notices have them."""

from tests.plugins.notifications.notices.conftest import backup, founders

__all__ = ["backup", "founders"]

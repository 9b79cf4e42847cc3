"""Incidents that schools of two districts were told of, and what none of them may read."""

from tests.plugins.notifications.notices.conftest import backup, drill, founders, incident

__all__ = ["backup", "drill", "founders", "incident"]

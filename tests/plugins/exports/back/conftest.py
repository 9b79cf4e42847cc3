"""The same subjects as for the content."""

from tests.plugins.exports.content.conftest import scopes

__all__ = ["scopes"]

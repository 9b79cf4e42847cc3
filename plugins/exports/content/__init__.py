"""What an export holds: which rows, how they are written, and the file at rest."""

from plugins.exports.content.archive import write_archive
from plugins.exports.content.manifest import Manifest
from plugins.exports.content.rows import NothingThere
from plugins.exports.content.scope import Scope

__all__ = ["Manifest", "NothingThere", "Scope", "write_archive"]

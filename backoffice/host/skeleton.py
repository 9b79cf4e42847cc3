"""Writing a working plugin to begin from. Its files are templates in `skeleton_files`."""

import json
import keyword
import re
from pathlib import Path
from string import Template

FILES = Path(__file__).parent / "skeleton_files"
SUFFIX = ".tmpl"
LONGEST = 24  # names of its tables and constraints must stay below PostgreSQL's 63 letters
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class SkeletonError(Exception):
    """A plugin of this name cannot be written; says why and what to do."""


def write(checkout: Path, name: str) -> list[Path]:
    """Write `plugins/<name>` and its test, list it in `config/plugins.toml`, let leaders read it.

    Returns the files written. Raises `SkeletonError`, with nothing written.
    """
    folder = checkout / "plugins" / name
    if not _NAME.match(name) or keyword.iskeyword(name) or len(name) > LONGEST:
        raise SkeletonError(
            f"Choose a name of small letters, digits and underscores, of at most {LONGEST} letters."
        )
    if folder.exists():
        raise SkeletonError(f"There is a plugin {name} already. Choose another name.")
    words = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "class_": "".join(part.capitalize() for part in name.split("_")),
    }
    # The two files that exist are read, and refused, before anything is written.
    listed = _listing(checkout / "config" / "plugins.toml", name)
    granted = _granting(checkout / "config" / "roles.toml", f"{name}:read")
    written = []
    for template in sorted(FILES.rglob(f"*{SUFFIX}")):
        path = _place(checkout, name, template.relative_to(FILES))
        path.parent.mkdir(parents=True, exist_ok=True)
        # Safe: Alembic's own template has dollar signs that are not ours.
        path.write_text(Template(template.read_text("utf-8")).safe_substitute(words), "utf-8")
        written.append(path)
    for path, text in (listed, granted):
        path.write_text(text, "utf-8")
        written.append(path)
    return written


def _place(checkout: Path, name: str, template: Path) -> Path:
    path = template.with_suffix("")
    if path.parts[0] == "tests":
        return checkout / "tests" / "plugins" / name / path.name.replace("test_name", f"test_{name}")
    return checkout / "plugins" / name / path


def _listing(path: Path, name: str) -> tuple[Path, str]:
    """`config/plugins.toml` with one more plugin in its list."""
    text = path.read_text("utf-8")
    found = re.search(r"^installed = \[([^\]]*)\]", text, re.MULTILINE)
    if found is None:
        raise SkeletonError(f"{path.name} has no line `installed = [...]`. Put it back first.")
    names = [part.strip() for part in found[1].split(",") if part.strip()]
    line = f"installed = [{', '.join([*names, json.dumps(name)])}]"
    return path, text[: found.start()] + line + text[found.end() :]


def _granting(path: Path, permission: str) -> tuple[Path, str]:
    """`config/roles.toml` with one more permission for leaders."""
    text = path.read_text("utf-8")
    found = re.search(r"^\[leader\][^\[]*permissions = \[", text, re.MULTILINE)
    if found is None:
        raise SkeletonError(f"{path.name} has no list of the leader's permissions. Put it back first.")
    return path, f'{text[: found.end()]}\n  "{permission}",{text[found.end() :]}'

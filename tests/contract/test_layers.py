"""The rules of the house that can be read off the source. Import directions: `config/importlinter.ini`.

The rules are read from the syntax tree and not by searching for words, so that neither a comment nor
another name for the same thing changes the answer.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

# The environment is read in one place.
READS_ENVIRONMENT = {"backoffice/settings.py"}
# The one clock.
TELLS_TIME = {
    "backoffice/clock.py",
    # A library writes its heartbeats with the database's clock; they are compared with no other.
    "backoffice/jobs/queries.py",
}
# Raw SQL, each with its reason. Migrations are SQL and not listed.
RAW_SQL = {
    "backoffice/jobs/queries.py": "calls the queue's own functions and takes the lock of a run",
    "backoffice/keys/queries.py": "reads and seals anew the sealed columns of whatever tables there are",
    "backoffice/privacy/retention/queries.py": "deletes rows where they lie, by `ctid`",
    "backoffice/storage/catalog.py": "asks PostgreSQL's catalogs, which no model maps",
    "backoffice/storage/functions.py": "calls the database's own functions, one Python function each",
    "backoffice/storage/migrate.py": "takes the lock under which migrations run",
    "backoffice/storage/roles.py": "makes the database's roles",
    "backoffice/storage/vacuum.py": "vacuums a table by its name and listens to what the server says of it",
    "plugins/retention/queries.py": "calls the database's own functions for whoever has a link",
    "plugins/rosters/importing/alone/queries.py": "notes in temporary tables what is left alone",
    "plugins/rosters/importing/checking/queries.py": "asks temporary tables, which no model maps",
    "plugins/rosters/importing/following/queries.py": "lets what they say of archived classes go elsewhere",
    "plugins/rosters/importing/merging/queries.py": "merges them set by set",
    "plugins/rosters/importing/roles/queries.py": "merges teaching roles of them as one set",
    "plugins/rosters/importing/seats/queries.py": "merges enrollments of them as one set",
    "plugins/rosters/importing/staging/queries.py": "makes them, and copies into them",
}
# Who talks to the driver, with no SQL of its own.
RAW_CURSORS = {
    "backoffice/storage/batches.py": "has the driver send rows on while the ones before are worked on",
}
# Modules below everything: they import nothing of ours.
LANGUAGE = "backoffice.language."
LEAVES = {
    "backoffice/clock.py",
    "backoffice/problems.py",
    "backoffice/wording.py",
    "backoffice/access/permissions.py",
    "backoffice/storage/public_id.py",
}
# What makes a statement. Pages make none, but for these modules, each with its reason.
STATEMENTS = {
    "select",
    "insert",
    "update",
    "delete",
    "merge",
    "func",
    "exists",
    "union",
    "union_all",
    "values",
}
PAGES_THAT_ASK = {
    "backoffice/console/paging.py": "counts and cuts a statement that is narrowed already",
}


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of core and plugins by its path, but migrations."""
    found = {}
    for root in ("backoffice", "plugins"):
        for path in sorted((CHECKOUT / root).rglob("*.py")):
            name = path.relative_to(CHECKOUT).as_posix()
            if "/migrations/" not in name:
                found[name] = ast.parse(path.read_text("utf-8"), name)
    return found


def full_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `text` for `sqlalchemy.text`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                names[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def strings(tree: ast.Module) -> Iterator[str]:
    """Every text of a module, whatever it is for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def used(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every dotted name that a module uses, with imports resolved, and its line."""
    names = full_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            parts: list[str] = []
            inner: ast.expr = node
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name) and inner.id in names:
                yield ".".join([names[inner.id], *reversed(parts)]), node.lineno


def using(*wanted: str) -> dict[str, list[int]]:
    """The modules that use one of the names, and where."""
    found: dict[str, list[int]] = {}
    for name, tree in sources().items():
        lines = [line for what, line in used(tree) if what in wanted]
        if lines:
            found[name] = lines
    return found


def test_only_the_settings_read_the_environment() -> None:
    reading = using("os.environ", "os.getenv", "os.environb", "os.getenvb", "os.putenv", "os.unsetenv")
    assert set(reading) == READS_ENVIRONMENT, reading


def test_there_is_one_clock() -> None:
    telling = using(
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "sqlalchemy.func.now",
        "sqlalchemy.func.current_timestamp",
        "sqlalchemy.func.clock_timestamp",
        "sqlalchemy.func.transaction_timestamp",
    )
    assert set(telling) == TELLS_TIME, telling


def test_no_sql_asks_the_database_for_the_time() -> None:
    """A rule that depends on time takes it from the clock, so that tests and audits can move it."""
    asking = [
        f"{name}:{node.lineno}"
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and any(
            word in node.value.lower()
            for word in ("now()", "current_timestamp", "clock_timestamp", "current_date", "localtime")
        )
        # A docstring may speak of it.
        and node.value not in _docstrings(tree)
    ]
    assert asking == []
    scripts = [
        p
        for p in CHECKOUT.rglob("migrations/sql/*.sql")
        # The library's own, word for word.
        if ".venv" not in p.parts and p.name != "0004_queue.sql"
    ]
    assert scripts
    for script in scripts:
        text = script.read_text("utf-8").lower()
        for word in ("now()", "current_timestamp", "clock_timestamp", "current_date", "localtimestamp"):
            assert word not in text, f"{script.name} asks for {word}"


def test_raw_sql_is_where_it_is_named() -> None:
    raw = using(
        "sqlalchemy.text",
        "sqlalchemy.sql.text",
        "sqlalchemy.literal_column",
        "sqlalchemy.sql.literal_column",
        "sqlalchemy.TextClause",
        "sqlalchemy.DDL",
    )
    assert set(raw) == set(RAW_SQL), raw


def test_raw_cursors_are_where_they_are_named() -> None:
    raw = [
        f"{name}:{node.lineno}"
        for name, tree in sources().items()
        if name not in RAW_SQL and name not in RAW_CURSORS
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"exec_driver_sql", "driver_connection", "raw_connection", "dbapi_connection"}
    ]
    assert raw == []


def test_raw_sql_is_written_and_not_put_together() -> None:
    """Nothing that came from outside can become SQL: f-strings only join constants of their module."""
    for name in RAW_SQL:
        constants = {
            target.id
            for node in sources()[name].body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(sources()[name]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text":
                (statement,) = node.args
                assert isinstance(statement, ast.Constant | ast.JoinedStr), f"{name}:{node.lineno}"
                if isinstance(statement, ast.JoinedStr):
                    joined = {
                        part.value.id
                        for part in statement.values
                        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name)
                    }
                    parts = [p for p in statement.values if isinstance(p, ast.FormattedValue)]
                    assert len(parts) >= len(joined), name
                    assert all(isinstance(p.value, ast.Name) for p in parts), f"{name}:{node.lineno}"
                    assert joined <= constants, f"{name}:{node.lineno}"


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_a_leaf_imports_nothing_of_ours(leaf: str) -> None:
    ours = [name for name in full_names(sources()[leaf]).values() if name.startswith("backoffice")]
    # How to say a text is all that they know; it stands below everything.
    assert [name for name in ours if not name.startswith(LANGUAGE)] == []


def test_language_stands_below_everything() -> None:
    imported = {
        name: ours
        for name, tree in sources().items()
        if name.startswith("backoffice/language/")
        and (ours := [each for each in full_names(tree).values() if each.startswith("backoffice")])
    }
    assert len(imported) > 1
    assert [each for ours in imported.values() for each in ours if not each.startswith(LANGUAGE)] == []


def test_the_core_names_no_plugin() -> None:
    """Not by an import within a function either, nor by a string that is imported."""
    plugins = sorted(each.parent.name for each in (CHECKOUT / "plugins").glob("*/__init__.py"))
    assert "billing" in plugins
    named = re.compile(rf"plugins\.({'|'.join(plugins)})\b")
    naming = [
        name
        for name, tree in sources().items()
        if name.startswith("backoffice/")
        and (
            any(each.partition(".")[0] == "plugins" for each in full_names(tree).values())
            or any(named.match(each) for each in strings(tree))
        )
    ]
    assert naming == []


def test_no_other_plugin_names_billing() -> None:
    """So that whatever opens to children and parents in one has nothing to do with payments."""
    others = [name for name in sources() if name.startswith("plugins/") and "/billing/" not in name]
    assert len(others) > 50
    naming = [
        name
        for name in others
        if any(each.startswith("plugins.billing") for each in full_names(sources()[name]).values())
        or any(each.startswith("plugins.billing") for each in strings(sources()[name]))
    ]
    assert naming == []


def test_pages_neither_ask_nor_write() -> None:
    """Views translate and delegate: what is read is a query, what changes a row is a service."""
    pages = [
        name for name in sources() if name.startswith("backoffice/console/") or name.endswith("/views.py")
    ]
    assert {"backoffice/console/grid.py", "plugins/rosters/views.py"} < set(pages)
    asking = {
        name: line
        for name in pages
        for what, line in used(sources()[name])
        if what.startswith("sqlalchemy.") and STATEMENTS & set(what.split("."))
    }
    assert set(asking) == set(PAGES_THAT_ASK), asking


def test_pages_leave_rows_as_they_are() -> None:
    """Nor through the session, which writes what is added to it, taken from it or put into it."""
    changing = [
        f"{name}:{node.lineno}"
        for name, tree in sources().items()
        if name.startswith("backoffice/console/") or name.endswith("/views.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"add", "add_all", "delete", "merge", "flush", "commit"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"tx", "session"}
    ]
    assert changing == []


def test_services_take_their_arguments_by_name() -> None:
    positional = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in sources().items()
        if name.endswith("/services.py") or "/services/" in name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        # Helpers that work within a service's transaction, or are no verb at all, take what they work on.
        and any(arg.arg == "principal" for arg in (*node.args.args, *node.args.kwonlyargs))
        and (node.args.args or node.args.posonlyargs)
    ]
    assert positional == []


def _docstrings(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                found.add(str(body[0].value.value))
    return found

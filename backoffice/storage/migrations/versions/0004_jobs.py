"""Work in the background: the library's queue in its own schema, when jobs are due, and how they ran."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_queue()
    op.create_table(
        "job_schedule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column],
                ["app.account.id"],
                name=op.f(f"fk_job_schedule_{column}"),
                ondelete="SET NULL",
            )
            for column in ("paused_by", "changed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_schedule")),
        sa.UniqueConstraint("job", name=op.f("uq_job_schedule_job")),
        schema="app",
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.Integer(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("log", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "asked in ('schedule', 'person', 'command', 'service')", name=op.f("ck_job_run_asked_is_known")
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'running', 'succeeded', 'failed', 'lost', 'skipped')",
            name=op.f("ck_job_run_state_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["app.account.id"], name=op.f("fk_job_run_asked_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("public_id", name=op.f("uq_job_run_public_id")),
        sa.UniqueConstraint("number", "attempt", name=op.f("uq_job_run_number_attempt")),
        schema="app",
    )
    for table, column in (
        ("job_schedule", "paused_by"),
        ("job_schedule", "changed_by"),
        ("job_run", "asked_by"),
        ("job_run", "finished_at"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False, schema="app")
    op.create_index(op.f("ix_job_run_job_id"), "job_run", ["job", "id"], unique=False, schema="app")
    op.create_index(
        op.f("ix_job_run_job"),
        "job_run",
        ["job"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    _execute("0004_jobs.sql")


def _make_queue() -> None:
    connection = op.get_bind()
    before = connection.exec_driver_sql("show search_path").scalar_one()
    connection.exec_driver_sql("create schema queue")
    connection.exec_driver_sql("set local search_path = queue")
    _execute("0004_queue.sql")
    connection.exec_driver_sql(f"set local search_path = {before}")


def _execute(name: str) -> None:
    op.get_bind().exec_driver_sql((SQL / name).read_text("utf-8").replace("%", "%%"))

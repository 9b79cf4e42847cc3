"""What was done with plugins, and indexes for what dashboards show by day."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0040_glance.sql"

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plugin_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("at_server", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "done in ('switched on', 'switched off', 'set')", name=op.f("ck_plugin_history_done_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["done_by"], ["app.account.id"], name=op.f("fk_plugin_history_done_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plugin_history")),
        schema="app",
    )
    for columns in (["plugin", "id"], ["done_by"], ["at"]):
        listed = "_".join(columns)
        op.create_index(op.f(f"ix_plugin_history_{listed}"), "plugin_history", columns, schema="app")
    op.drop_index(op.f("ix_job_run_job"), "job_run", schema="app")
    wrong = "state in ('failed', 'lost')"
    for name, columns, where in (
        ("ix_job_run_open", ["job"], "state in ('waiting', 'running')"),
        ("ix_job_run_wrong", ["job", "id"], wrong),
        ("ix_job_run_wrong_by_time", ["finished_at"], wrong),
    ):
        op.create_index(name, "job_run", columns, schema="app", postgresql_where=sa.text(where))
    op.create_index(op.f("ix_mail_finished_at"), "mail", ["finished_at"], schema="app")
    op.create_index(
        op.f("ix_student_session_school_id_started_at"),
        "student_session",
        ["school_id", "started_at"],
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))

"""Flask-Admin's `ModelView` over the students with plain names, everything that it asks for indexed."""

from datetime import date

from flask import Flask
from flask_admin import Admin
from flask_admin.actions import action
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel
from sqlalchemy import BigInteger, ForeignKey, create_engine, make_url, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, scoped_session, sessionmaker

PAGE = 50


def made(address: str, patience: int) -> Flask:
    """Flask-Admin's `ModelView` with the columns of ours, a search, filters, an export and an action."""
    engine = create_engine(
        make_url(address).set(drivername="postgresql+psycopg"),
        connect_args={"options": f"-c search_path=plain,public -c statement_timeout={patience}s"},
    )
    session = scoped_session(sessionmaker(engine))

    class Plain(DeclarativeBase):
        pass

    class Classroom(Plain):
        __tablename__ = "classroom"
        id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
        name: Mapped[str]

        def __str__(self) -> str:
            return self.name

    class Student(Plain):
        __tablename__ = "student"
        id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
        school_id: Mapped[int] = mapped_column(BigInteger)
        classroom_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(Classroom.id))
        given_name: Mapped[str]
        family_name: Mapped[str]
        points: Mapped[int]
        active_on: Mapped[date]
        classroom: Mapped[Classroom | None] = relationship()

    class StudentView(ModelView):
        column_list = ("given_name", "family_name", "classroom", "points", "active_on")
        column_searchable_list = ("given_name", "family_name")
        column_filters = ("id", "school_id", "classroom_id", "active_on")
        column_default_sort = "id"
        named_filter_urls = True
        can_export = True
        export_max_rows = 0
        page_size = PAGE
        form_columns = ("given_name",)

        @action("leave", "Take out of this class", "Are you sure?")
        def leave(self, ids: list[str]) -> None:
            """As the documentation writes actions, but for the numbers, which as text are refused."""
            for student in session.scalars(select(Student).where(Student.id.in_(map(int, ids)))):
                student.classroom_id = None
            session.commit()

    app = Flask(__name__)
    app.config.update(SECRET_KEY="bench", MAX_FORM_MEMORY_SIZE=None)
    # Where the library is installed, Flask-Admin asks for it on every page.
    Babel(app)
    Admin(app, name="stock").add_view(StudentView(Student, session, endpoint="students", url="/students"))
    app.teardown_appcontext(lambda _error: session.remove())
    return app

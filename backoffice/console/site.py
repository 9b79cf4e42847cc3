"""The console's frame: Flask-Admin's `Admin`, with views of ours and nothing of its own looks.

Views are registered here and nowhere else.
"""

from pathlib import Path

from flask import Blueprint, Flask
from flask_admin import Admin
from flask_admin.theme import Theme

from backoffice.console.classrooms import ClassroomGrid
from backoffice.console.dashboard import Dashboard
from backoffice.console.schools import SchoolGrid
from backoffice.console.students import StudentGrid
from backoffice.console.teachers import TeacherGrid

TEMPLATES = Path(__file__).parent / "templates"


def init_app(app: Flask) -> None:
    """Put the console under `/console/`."""
    app.register_blueprint(Blueprint("console_templates", __name__, template_folder="templates"))
    admin = Admin(
        app,
        name="Classroom Back Office",
        url="/console",
        # A view of ours: the stock index view serves Bootstrap 4 and jQuery to everybody.
        index_view=Dashboard(name="Start", endpoint="console", url="/console"),
        theme=Theme(folder=str(TEMPLATES), base_template="console/layout.html"),
    )
    admin.add_view(
        ClassroomGrid(name="Classes", category="Teaching", endpoint="console_classrooms", url="classrooms")
    )
    admin.add_view(
        StudentGrid(name="Students", category="Teaching", endpoint="console_students", url="students")
    )
    admin.add_view(SchoolGrid(name="Schools", category="School", endpoint="console_schools", url="schools"))
    admin.add_view(
        TeacherGrid(name="Teachers", category="School", endpoint="console_teachers", url="teachers")
    )

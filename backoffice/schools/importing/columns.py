"""What a list of students may bring."""

from backoffice.imports.columns import ImportColumn
from backoffice.language.texts import lazy

ID = ImportColumn("id", lazy("ID"), ("identifier", "student id", "public id", "student identifier"))
GIVEN = ImportColumn(
    "given",
    lazy("Given name"),
    (
        *("first name", "first", "given", "forename", "given names", "first names", "givenName", "firstName"),
        *("prénom", "vorname", "nombre", "nombres"),
    ),
)
FAMILY = ImportColumn(
    "family",
    lazy("Family name"),
    (
        *("last name", "last", "family", "surname", "familyName", "lastName", "family names"),
        *("nom", "nachname", "apellido", "apellidos"),
    ),
)
WHOLE = ImportColumn(
    "whole",
    lazy("Whole name"),
    ("student", "name", "full name", "student name", "nombre completo", "pupil", "child", "names"),
)
CLASSES = ImportColumn(
    "classes",
    lazy("Classes"),
    ("class", "classroom", "room", "homeroom", "section", "group", "klasse", "clase", "clases", "classe"),
)
STUDENT_COLUMNS = (ID, GIVEN, FAMILY, WHOLE, CLASSES)

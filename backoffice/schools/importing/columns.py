"""What a list of students may bring."""

from backoffice.imports.columns import ImportColumn

ID = ImportColumn("id", "ID", ("identifier", "student id", "public id", "student identifier"))
GIVEN = ImportColumn(
    "given",
    "Given name",
    (
        *("first name", "first", "given", "forename", "given names", "first names", "givenName", "firstName"),
        *("prénom", "vorname", "nombre", "nombres"),
    ),
)
FAMILY = ImportColumn(
    "family",
    "Family name",
    (
        *("last name", "last", "family", "surname", "familyName", "lastName", "family names"),
        *("nom", "nachname", "apellido", "apellidos"),
    ),
)
WHOLE = ImportColumn(
    "whole", "Whole name", ("student", "name", "full name", "student name", "pupil", "child", "names")
)
CLASSES = ImportColumn(
    "classes",
    "Classes",
    ("class", "classroom", "room", "homeroom", "section", "group", "klasse", "clase", "classe"),
)
STUDENT_COLUMNS = (ID, GIVEN, FAMILY, WHOLE, CLASSES)

"""How long what is written in fields of a school's own is kept: as the school said of each field."""

from backoffice.fields.models import ClassroomValue, StudentValue
from backoffice.privacy.retention.kinds import Kind, Rows

FIELD_VALUES = Kind(
    "field-values",
    (Rows(StudentValue, StudentValue.due_at), Rows(ClassroomValue, ClassroomValue.due_at)),
    work=True,
)
KINDS = (FIELD_VALUES,)

"""What a teacher or a leader may reach, worked out from the tables and not from the policies.

This is deliberately a second account of the matter: the isolation policies are judged by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    TableClause,
    any_,
    bindparam,
    column,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    table,
)

from backoffice.access.principal import Ids
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.families.models import GuardianLink
from backoffice.schools.models import Classroom, Enrollment, Membership, Role, School, TeachingRole
from backoffice.storage.catalog import LiveTable

SAMPLE = 5
# The column by which an entity's own table is known as another's `..._id`.
_ENTITIES = {
    "app.district": "district_id",
    "app.school": "school_id",
    "app.classroom": "classroom_id",
    "app.student": "student_id",
    "app.account": "account_id",
}

"""Where the pages of somebody's subscription are."""

from flask import request

from plugins.billing.payers import DISTRICTS, HERE


def page_asked_for(public_id: str) -> str:
    """The page of the one that the request names so: of a school, or of a district.

    A message leads to a district by its identifier alone, as to a school, and there the pages go on so.
    """
    of_district = request.path.startswith(f"{HERE}{DISTRICTS}")
    return f"{HERE}{DISTRICTS if of_district else ''}{public_id}"

"""Refusals in Stripe's shape."""

from typing import Any

Obj = dict[str, Any]


class Refused(Exception):
    """What Stripe answers instead of an object: a status and the contents of `error`."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        more: Obj | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: Obj = {"message": message, "type": kind}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param:
            self.error["param"] = param
        if decline_code:
            self.error["decline_code"] = decline_code
        self.error.update(more or {})


def missing(kind: str, identifier: str, *, param: str = "id") -> Refused:
    """Status 404 for what an address names, 400 for what a parameter names."""
    return Refused(
        f"No such {kind}: '{identifier}'",
        status=404 if param == "id" else 400,
        code="resource_missing",
        param=param,
    )

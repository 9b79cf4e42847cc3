"""The cookie by which a device is known again, so that strangers' tries do not lock it out.

It holds a random number and tags of who signed in here, and by which codes. It is set when somebody does,
says nothing of them, and is looked at only where a code or a password is tried.
"""

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from backoffice.throttles.visitor import Device, Visitor, new_device
from backoffice.web import cookies
from backoffice.web.identity import address, settings

KEPT = 180 * 24 * 3600
MOST_VOUCHERS = 12


def visitor() -> Visitor:
    """Where this request comes from."""
    return Visitor(address(), _known())


def remember(response: Response, *vouchers: str, new: Device | None = None) -> None:
    """Know this device again as one at which the vouchers' account or school signed in.

    One that is not known yet is `new` from now on, if what signed in has noted it as that.
    """
    known = _known()
    others = [each for each in known.vouchers if each not in vouchers] if known else []
    kept = [*others, *vouchers][-MOST_VOUCHERS:]
    value = _signed().dumps([(known or new or new_device()).id, *kept])
    assert isinstance(value, str)
    cookies.put(response, settings(), cookies.DEVICE, value, same_site="Lax", seconds=KEPT)


def _known() -> Device | None:
    try:
        held = _signed().loads(request.cookies.get(cookies.name(settings(), cookies.DEVICE), ""), KEPT)
    except BadData:
        return None
    return Device(held[0], tuple(held[1:]))


def _signed() -> URLSafeTimedSerializer:
    assert current_app.secret_key is not None
    return URLSafeTimedSerializer(current_app.secret_key, salt="device")

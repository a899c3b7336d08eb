"""What to do about a webhook that did not arrive, in words for the engineer at the keyboard."""

from __future__ import annotations

from typing import Final

from voidtrail.runtime.endpoints.delivery import Fault, Reply
from voidtrail.runtime.text import _, later

_BY_FAULT: Final = {
    Fault.REDIRECTED: later(
        "Redirects are not followed. Give the address to which it leads: {detail}"
    ),
    Fault.GONE: later(
        "410 says that this address wants nothing any more; a live endpoint would now be out of "
        "service."
    ),
    Fault.PRIVATE: later(
        "{detail} is not a public address. If it is yours, name its network in `allow` of this "
        "[[endpoint]], as 10.0.0.0/8."
    ),
    Fault.UNKNOWN_NAME: later("Nobody knows this name. Is it spelt right, and in the DNS?"),
    Fault.NO_ADDRESS: later("This is no address that can be called."),
    Fault.NOT_LISTENING: later(
        "Nobody listens there, or a firewall is in between. Does the receiver run, on this port?"
    ),
    Fault.CERTIFICATE: later("The certificate is not valid for this name: {detail}"),
    Fault.TLS: later("There is no TLS behind this port; did you mean http://, or another port?"),
    Fault.TOO_SLOW: later(
        "No answer in time. Take the message, answer 2xx at once, and work on it afterwards."
    ),
    Fault.BROKEN_OFF: later("The connection was broken off before an answer came. See its log."),
}
_BY_STATUS: Final = {
    400: later(
        "The receiver could not read it. Verify the signature over the raw body, before any JSON "
        "parser, and see its log."
    ),
    401: later(
        "The receiver did not accept the signature. Has it the same whsec_ secret, does it verify "
        "the raw body, is its clock right to 5 minutes?"
    ),
    404: later("There is no such path at the receiver."),
    405: later("The receiver takes no POST at this path."),
    413: later("The receiver, or a proxy before it, takes no body of this size (about 1 kB)."),
    415: later("The receiver does not take application/json."),
    429: later("The receiver is being called too often; it will be tried again later."),
}
_SAME: Final = {403: 401, 422: 400}


def hint(reply: Reply) -> str:
    """Return what to look at; "" if the message arrived."""
    if reply.fault is Fault.NONE:
        return ""
    if reply.fault is Fault.STATUS:
        status = _SAME.get(reply.status, reply.status)
        if status >= 500:
            return _("The receiver broke down. See its log; we would try again.")
        return _(_BY_STATUS.get(status, later("Only a status of 200 to 299 counts as taken.")))
    return _(_BY_FAULT[reply.fault]).format(detail=reply.detail or "–")

"""The stub: `StripeModel.api_retrieve` answers from the payload that is being processed."""

from contextvars import ContextVar
from typing import Any

import stripe
from django.apps import AppConfig

_received: ContextVar[dict[str, Any]] = ContextVar("_received")


def put_off(_trigger: Any, **_options: Any) -> None:
    """Do nothing with a verified event: what a queue's producer would do, at no cost."""


def _remember(sender: Any, instance: Any, **_options: Any) -> None:
    _received.set(instance.json_body.get("data", {}).get("object", {}))


def _retrieve(self: Any, api_key: Any = None, stripe_account: Any = None) -> dict[str, Any]:
    obj = _received.get({})
    if obj.get("id") == self.id:
        return obj
    raise stripe.InvalidRequestError(
        f"No such object: {self.id!r}", param="id", code="resource_missing", http_status=404
    )


class StubApiConfig(AppConfig):
    """Puts the stub in place when Django starts."""

    name = "stub_api"

    def ready(self) -> None:
        """Replace the one method through which event handlers ask Stripe."""
        from djstripe import signals
        from djstripe.models.base import StripeModel

        StripeModel.api_retrieve = _retrieve
        signals.webhook_pre_process.connect(_remember, dispatch_uid="stub_api")

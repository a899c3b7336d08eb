"""A Stripe payment: card form (PaymentIntent, also with manual capture) or hosted Checkout."""

from __future__ import annotations

from typing import ClassVar

from voidtrail.event.model import Micros
from voidtrail.testing.world import stripe_body as body
from voidtrail.testing.world.fact import SECOND, Notice, Said
from voidtrail.testing.world.rail import Pen, Purchase, Rail

FAULT_CODES = ("processing_error", "issuer_not_available")
_BRANDS = ("visa", "mastercard", "amex", "unionpay")


class StripeRail(Rail):
    """A PaymentIntent, with or without a Checkout Session around it."""

    source: ClassVar[str] = "stripe"
    KNOWN = (
        *Rail.KNOWN, "charge_id", "status", "session_status", "cancel_reason", "canceled_at",
        "last_error", "facts",
    )  # fmt: skip

    def __init__(
        self, purchase: Purchase, pen: Pen, method: str, account: str, serial: int,
        manual: bool = False,
    ):  # fmt: skip
        super().__init__(purchase, pen, method, account, serial)
        who = purchase.customer
        self.is_checkout = method == "hosted_checkout"
        self.test_flag = purchase.test
        tail = pen.alnum(23)
        self.pi, self.cs = f"pi_3{tail}", ""
        self.reference = self.pi
        if self.is_checkout:
            self.cs = f"cs_{'test' if purchase.test else 'live'}_a1{pen.alnum(56)}"
            self.reference = self.cs
        self.charge_id = ""
        self.status = "requires_payment_method"
        self.session_status = "open"
        self.cancel_reason: str | None = None
        self.last_error: body.Json | None = None
        self.refund_id = ""
        self.canceled_at: Micros = 0
        metadata = {"order_id": purchase.order, "sku": purchase.product.sku}
        if purchase.note:
            metadata["note"] = purchase.note
        self.facts: body.Json = {
            "pi": self.pi,
            "cs": self.cs,
            "order": purchase.order,
            "version": body.OLD if account == "hutong" else body.NEW,
            "amount": self.amount,
            "currency": self.currency.lower(),
            "capture_method": "manual" if manual else "automatic_async",
            "secret": pen.alnum(24),
            "customer": who.stripe_id,
            "description": f"{purchase.shop.title} – {purchase.product.title}",
            "descriptor": purchase.shop.name.upper()[:22],
            "live": not purchase.test,
            "metadata": metadata,
            "email": who.email,
            "name": who.name,
            "phone": who.phone,
            "country": who.country,
            "pm": f"pm_1{pen.alnum(23)}",
            "brand": pen.rng.choice(_BRANDS),
            "last4": pen.digits(4),
            "fingerprint": pen.alnum(16),
            "charges": [],
            "created": 0,
            "expires_at": 0,
        }

    # ------------------------------------------------------------------ letters

    def _send(
        self, at: Micros, kind: str, obj: body.Json, *notices: Notice, lost: bool = False,
        before: body.Json | None = None,
    ) -> None:  # fmt: skip
        if self.is_checkout and kind.startswith("payment_intent"):
            assert self.pi in self.names, "the intent is spoken of after it exists"
        text = body.event(
            f"evt_{'1' if kind.startswith('checkout') else '3'}{self.pen.alnum(23)}",
            self.facts["version"], kind, at // SECOND, obj, not self.purchase.test,
            f"req_{self.pen.alnum(14)}", before,
        )  # fmt: skip
        self.post(at, text, *notices, lost=lost)

    def _intent(self, **changed: object) -> body.Json:
        received = self.captured if self.status == "succeeded" else 0
        return body.intent(
            self.facts,
            status=self.status,
            latest_charge=self.charge_id or None,
            last_payment_error=self.last_error,
            amount_received=received,
            amount_capturable=self.amount if self.status == "requires_capture" else 0,
            **changed,
        )

    def _begin_intent(self, at: Micros) -> None:
        if self.is_checkout and self.pi not in self.names:
            self.names.append(self.pi)
        self.facts["created"] = at // SECOND
        obj = body.intent(self.facts)
        self._send(at, "payment_intent.created", obj, self._about_pi(Said.OPENED, at))

    def _about_pi(self, said: Said, at: Micros, **more: object) -> Notice:
        """Say something of the intent alone: it knows nothing of its session, only of a card."""
        made = self.notice(said, at, **more)
        if not self.is_checkout:
            return made
        return Notice(
            **{
                **{name: getattr(made, name) for name in made.__slots__},
                "payment": self.pi,
                "names": (self.pi,),
                "method": "card_form",
            }
        )

    def _new_charge(self) -> str:
        self.charge_id = f"ch_3{self.pi[4:-6]}{self.pen.alnum(6)}"
        return self.charge_id

    # ------------------------------------------------------------------ what happens

    def open(self, at: Micros) -> None:
        """Make the intent, or the session (of whose making Stripe says nothing)."""
        self.opened_at = at
        self.facts["created"] = at // SECOND
        if self.is_checkout:
            self.facts["expires_at"] = at // SECOND + 60 * self.pen.rng.randrange(31, 120)
        else:
            self._begin_intent(at)
        self.remember(at)

    @property
    def expires_at(self) -> Micros:
        """When the session runs out of time by itself."""
        return int(self.facts["expires_at"]) * SECOND

    def _submitted(self, at: Micros) -> None:
        if self.is_checkout and self.pi not in self.names:
            self._begin_intent(at - SECOND)

    def fail(self, at: Micros, code: str) -> None:
        """Let an attempt fail; the intent goes back to waiting."""
        self._submitted(at)
        charge = body.charge(self.facts, self._new_charge(), at // SECOND, code)
        self.facts["charges"].append(charge)
        said = Said.ATTEMPT_FAULTED if code in FAULT_CODES else Said.ATTEMPT_DECLINED
        notice = self._about_pi(said, at, code=code, operation=self.charge_id)
        self._send(at, "charge.failed", charge, notice)
        self.last_error = body.error(code, self.charge_id, body.payment_method(self.facts))
        self._send(at, "payment_intent.payment_failed", self._intent(), notice)
        self.remember(at)

    def authorise(self, at: Micros) -> None:
        """Hold the money without taking it."""
        self._submitted(at)
        self.held, self.status, self.last_error = self.amount, "requires_capture", None
        charge = body.charge(
            self.facts, self._new_charge(), at // SECOND, captured=False, amount_captured=0,
            balance_transaction=None,
        )  # fmt: skip
        self.facts["charges"].append(charge)
        notice = self._about_pi(
            Said.AUTHORISED, at, amount_minor=self.amount, operation=self.charge_id
        )
        self._send(at, "charge.succeeded", charge, notice)
        self._send(at, "payment_intent.amount_capturable_updated", self._intent(), notice)
        self.remember(at)

    def pay(self, at: Micros, lost: bool = False) -> None:
        """Take the money: at once, or what was held."""
        was_held = bool(self.held)
        if not was_held:
            self._submitted(at)
            self._new_charge()
        self.held, self.captured, self.status = 0, self.amount, "succeeded"
        self.last_error = None
        self.session_status = "complete"
        charge = body.charge(self.facts, self.charge_id, at // SECOND)
        self.facts["charges"].append(charge)
        notice = self._about_pi(Said.PAID, at, amount_minor=self.amount, operation=self.charge_id)
        kind = "charge.captured" if was_held else "charge.succeeded"
        self._send(at, kind, charge, notice, lost=lost)
        paid = self._intent(payment_method=self.facts["pm"])
        self._send(at, "payment_intent.succeeded", paid, notice, lost=lost)
        if self.is_checkout:
            done = body.session(self.facts, "complete", "paid", self.pi)
            self._send(at + SECOND, "checkout.session.completed", done,
                       self.notice(Said.PAID, at, amount_minor=self.amount), lost=lost)  # fmt: skip
        self.remember(at)

    def call_off(self, at: Micros, code: str = "", lost: bool = False) -> None:
        """Cancel the intent, or let the session end."""
        if self.is_checkout:
            self.session_status = "expired"
            self.remember(at)
            pi = self.pi if self.pi in self.names else None
            ended = body.session(self.facts, "expired", "unpaid", pi)
            said = Said.EXPIRED
            notice = self.notice(said, at, timed_out=at >= self.expires_at)
            self._send(at, "checkout.session.expired", ended, notice, lost=lost)
            return
        void_of = self.held
        self.held, self.status = 0, "canceled"
        self.cancel_reason, self.canceled_at = code or None, at
        self.remember(at)
        notices = [self.notice(Said.CLOSED, at, code=code)]
        if void_of:
            notices.append(self.notice(Said.RELEASED, at))
        self._send(at, "payment_intent.canceled", self._canceled(), *notices, lost=lost)
        if void_of and not lost and self.pen.rng.random() < 0.5:
            self._release_charge(at, None)

    def _canceled(self) -> body.Json:
        return self._intent(
            canceled_at=self.canceled_at // SECOND, cancellation_reason=self.cancel_reason
        )

    def _release_charge(self, at: Micros, reason: str | None) -> None:
        """Say `charge.refunded` of money that was never taken: it must not count as a refund."""
        released = body.charge(
            self.facts, self.charge_id, at // SECOND, captured=False, amount_captured=0,
            amount_refunded=self.amount, refunded=True, balance_transaction=None,
        )  # fmt: skip
        if self.facts["version"] == body.OLD:
            made = body.refund(self.facts, f"re_3{self.pen.alnum(23)}", self.charge_id,
                               self.amount, at // SECOND, "succeeded", reason)  # fmt: skip
            released["refunds"] = {"object": "list", "data": [made], "has_more": False}
        self._send(at, "charge.refunded", released, self._about_pi(Said.RELEASED, at))

    def lapse(self, at: Micros) -> None:
        """Let the held money go because the authorisation ran out."""
        self.held, self.status = 0, "canceled"
        self.cancel_reason, self.canceled_at = "automatic", at
        self.remember(at)
        gone = body.charge(
            self.facts, self.charge_id, at // SECOND, captured=False, amount_captured=0,
            amount_refunded=self.amount, refunded=True, balance_transaction=None,
        )  # fmt: skip
        self._send(at, "charge.expired", gone, self._about_pi(Said.LAPSED, at))
        self._send(at, "payment_intent.canceled", self._canceled(),
                   self._about_pi(Said.CLOSED, at, code="automatic"))  # fmt: skip

    def refund(self, at: Micros, amount: int, code: str = "") -> None:
        """Give back; told twice, as the refund itself and as the charge's sum so far."""
        self.returned += amount
        self.refund_id = f"re_3{self.pen.alnum(23)}"
        made = body.refund(self.facts, self.refund_id, self.charge_id, amount, at // SECOND,
                           "succeeded", code or None)  # fmt: skip
        notice = self._about_pi(
            Said.REFUNDED, at, amount_minor=amount, operation=self.refund_id, code=code
        )
        if self.facts["version"] == body.NEW or code:
            self._send(at, "refund.created", made, notice)
        charge = body.charge(
            self.facts, self.charge_id, at // SECOND, amount_refunded=self.returned,
            refunded=self.returned >= self.captured,
        )  # fmt: skip
        if self.facts["version"] == body.OLD:
            charge["refunds"] = {"object": "list", "data": [made], "has_more": False}
        before = {"amount_refunded": self.returned - amount, "refunded": False}
        so_far = self._about_pi(Said.REFUNDED, at, so_far_minor=self.returned)
        self._send(at, "charge.refunded", charge, so_far, before=before)

    def refund_fails(self, at: Micros, amount: int) -> None:
        """Let the last refund come back: the merchant has the money again."""
        self.returned -= amount
        failed = body.refund(
            self.facts, self.refund_id, self.charge_id, amount, at // SECOND - 7200, "failed",
            None, failure_reason="expired_or_canceled_card",
            failure_balance_transaction=f"txn_{self.pen.alnum(24)}",
        )  # fmt: skip
        notice = self._about_pi(
            Said.REFUND_FAILED, at, amount_minor=amount, operation=self.refund_id
        )
        before = {"status": "succeeded"}
        self._send(at, "charge.refund.updated", failed, notice, before=before)
        self._send(at, "refund.failed", failed, notice)

    def dispute(self, at: Micros, reason: str, amount: int, path: str) -> None:
        """Let the customer's bank ask for the money.

        Args:
            at: when the dispute is opened.
            reason: Stripe's code for it.
            amount: how much of the charge.
            path: "lost" (the money stays away), "won" (it comes back) or "inquiry" (it never went).
        """
        dp, gap = f"dp_1{self.pen.alnum(23)}", 40 * 60 * SECOND
        waits, ends = {
            "lost": ("needs_response", "lost"),
            "won": ("needs_response", "won"),
            "inquiry": ("warning_needs_response", "warning_closed"),
        }[path]

        def step(when: Micros, kind: str, status: str, said: Said) -> None:
            obj = body.dispute(self.facts, dp, self.charge_id, amount, at // SECOND, status, reason)
            notice = self._about_pi(said, when, amount_minor=amount, operation=dp, code=reason)
            self._send(when, f"charge.dispute.{kind}", obj, notice)

        step(at, "created", waits, Said.DISPUTE_OPENED)
        if path != "inquiry":
            step(at + SECOND, "funds_withdrawn", waits, Said.DISPUTE_WITHDRAWN)
            self.returned += amount
        if path == "won":
            step(at + gap, "funds_reinstated", ends, Said.DISPUTE_REINSTATED)
            self.returned -= amount
        # One that is lost was withdrawn, whether or not that was told.
        said = Said.DISPUTE_WITHDRAWN if path == "lost" else Said.DISPUTE_OPENED
        step(at + gap + SECOND, "closed", ends, said)

    def stray(self, at: Micros) -> None:
        """Say something that no list of a recorder has."""
        if self.is_checkout and self.pi not in self.names:
            return
        kind = self.pen.rng.choice(("charge.updated", "payment_intent.partially_refunded_v2"))
        if kind == "charge.updated" and self.charge_id:
            obj = body.charge(self.facts, self.charge_id, at // SECOND)
        else:
            kind, obj = "payment_intent.partially_refunded_v2", self._intent()
        self._send(at, kind, obj, self._about_pi(Said.OTHER, at))

    # ------------------------------------------------------------------ when asked

    def answer(self, at: Micros) -> dict[str, object]:
        """Return every object that can be fetched by its id."""
        changed: body.Json = {}
        if self.status == "canceled":
            changed = {
                "canceled_at": self.canceled_at // SECOND,
                "cancellation_reason": self.cancel_reason,
            }
        found: dict[str, object] = {}
        if not self.is_checkout or self.pi in self.names:
            found[self.pi] = self._intent(**changed)
        if self.is_checkout:
            paid = "paid" if self.captured else "unpaid"
            pi = self.pi if self.pi in self.names else None
            found[self.cs] = body.session(self.facts, self.session_status, paid, pi)
        return found

    def answer_notices(self, at: Micros, reference: str = "") -> tuple[Notice, ...]:
        """Return what the fetched object says; an intent knows nothing of its session."""
        is_intent = reference == self.pi
        if is_intent and self.is_checkout and self.pi not in self.names:
            return (self._about_pi(Said.NOT_KNOWN, at, asked=True),)
        tell = self._about_pi if is_intent else self.notice
        if self.captured:
            amount, charge = self.captured, self.charge_id
            return (tell(Said.PAID, at, amount_minor=amount, operation=charge, asked=True),)
        if self.status == "canceled":
            code, gone_at = self.cancel_reason or "", self.canceled_at
            closed = tell(Said.CLOSED, gone_at, code=code, asked=True)
            failed = self.last_error is not None and self.last_error["charge"] == self.charge_id
            if not self.charge_id or failed:
                return (closed,)
            # The latest charge did not fail: it was held, and is now let go.
            return (closed, tell(Said.RELEASED, gone_at, asked=True))
        if self.session_status == "expired" and not is_intent:
            return (tell(Said.EXPIRED, self.expires_at, timed_out=True, asked=True),)
        if self.held:
            amount, charge = self.held, self.charge_id
            return (tell(Said.AUTHORISED, at, amount_minor=amount, operation=charge, asked=True),)
        return (tell(Said.WAITING, at, asked=True),)

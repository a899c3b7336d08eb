"""A seeded merchant's day: what arrives, signed as the platforms sign, and the truth beside it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from voidtrail.testing.world.alipay_rail import APP_IDS, SELLERS, TIMEOUT_S
from voidtrail.testing.world.carrier import Carrier
from voidtrail.testing.world.fact import HOUR, Letter, Notice, Post
from voidtrail.testing.world.keys import RsaKeys, Secrets, private_pem, public_pem
from voidtrail.testing.world.merchant import Merchant
from voidtrail.testing.world.rail import Pen
from voidtrail.testing.world.settings import ACCOUNTS, AccountPlan, Settings
from voidtrail.testing.world.signing import Signer
from voidtrail.testing.world.tale import Tale
from voidtrail.testing.world.truth import Truth
from voidtrail.testing.world.wechatpay_rail import APPIDS, MCHIDS

_SPOILS = {
    "stripe": ("body", "key", "missing", "stale"),
    "alipay": ("body", "key", "missing"),
    "wechatpay": ("body", "key", "missing", "stale", "probe"),
    "storefront": ("body", "key", "missing", "stale"),
}
Answers = dict[tuple[str, str], dict[str, object]]


class World:
    """One merchant's day.

    The same seed and settings give the same bytes, signatures apart (RSA keys are made anew, and
    signatures carry the instant of sending).

    Attributes:
        letters: everything that arrives, unsigned, by instant of arrival; refused ones included.
        truth: what really happened; the server must never see it.
    """

    def __init__(
        self,
        seed: int,
        settings: Settings | None = None,
        keys: Callable[[], RsaKeys] = RsaKeys.make,
        behaviours: Sequence[str] = (),
    ) -> None:
        """Tell the day.

        Args:
            seed: decides everything but RSA keys.
            settings: size and manners.
            keys: makes the RSA keys when they are needed first.
            behaviours: of the orders, one each, instead of drawn ones.
        """
        self.seed = seed
        self.settings = settings or Settings()
        rng = random.Random(f"{seed}/world")
        self.secrets = Secrets(rng)
        self.signer = Signer(self.secrets, keys)
        fault = self.settings.fault_source or rng.choice(("stripe", "alipay", "wechatpay"))
        self._merchant = Merchant(seed, self.settings, self.secrets, fault)
        self._fault_source = fault
        self._told = list(self._merchant.tales(behaviours))
        self._finish(rng)

    def _finish(self, rng: random.Random) -> None:
        written = [letter for tale, _ in self._told for letter in tale.letters()]
        carrier = Carrier(self.settings, Pen(random.Random(f"{self.seed}/carrier")),
                          self._fault_source)  # fmt: skip
        spoiled, references = self._spoil(rng)
        arrived = carrier.carry(written) + spoiled
        self.letters: list[Letter] = sorted(arrived, key=lambda letter: letter.at)
        self.truth = Truth(
            orders=tuple(tale.truth(name) for tale, name in self._told),
            refused=tuple(references),
            card_numbers=tuple(self._merchant.card_numbers),
            personal=tuple(sorted(self._merchant.personal)),
            fault_source=self._fault_source,
        )

    def _spoil(self, rng: random.Random) -> tuple[list[Letter], list[str]]:
        """Make letters whose signature is bad, about payments that never were."""
        letters: list[Letter] = []
        references: list[str] = []
        number = self.settings.orders + self.settings.test_orders
        while len(letters) < self.settings.refused:
            number += 1
            at = self.settings.starts_at + rng.randrange(6 * HOUR, 21 * HOUR)
            tale, _ = self._merchant.tale(number, at, False, "paid")
            letter = rng.choice(tale.letters())
            spoil = rng.choice(_SPOILS[letter.source])
            letters.append(replace(letter, spoil=spoil, at=letter.sent_at, notices=()))
            references += [tale.rails[0].reference, tale.purchase.order]
        return letters, references

    # ------------------------------------------------------------------ for the player

    def sign(self, letter: Letter, signed_at: int, number: int = 0) -> Post:
        """Sign one letter at the last moment; `signed_at` in real Unix seconds."""
        return self.signer.sign(letter, signed_at, number)

    def script(self, signed_at: int, progress: Callable[[int], None] | None = None) -> list[Post]:
        """Sign everything at once, in order of arrival.

        Args:
            signed_at: real Unix seconds; receivers refuse signatures that are 5 minutes old, so a
                long script is better signed while it is played (`player.play` can do that).
            progress: is told how many are signed.
        """
        posts: list[Post] = []
        for number, letter in enumerate(self.letters):
            posts.append(self.sign(letter, signed_at, number))
            if progress and number % 500 == 499:
                progress(number + 1)
        return posts

    def resign(self, number: int, signed_at: int) -> Post:
        """Sign post `number` of the script anew: for `player.play(…, resign=world.resign)`."""
        return self.sign(self.letters[number], signed_at, number)

    # ------------------------------------------------------------------ for the server's settings

    def configuration(self, api_base: str = "") -> dict[str, list[dict[str, object]]]:
        """Return accounts with options and secrets, for `voidtrail.toml`.

        Args:
            api_base: address of the fake platforms (`platforms.serve`); "" leaves out the
                credentials for questions, so that none is asked.
        """
        return {"accounts": [self._account(plan, api_base) for plan in ACCOUNTS]}

    def _account(self, plan: AccountPlan, api_base: str) -> dict[str, object]:
        options, secrets = self._options(plan), self._secrets(plan, bool(api_base))
        if api_base and plan.source != "storefront":
            options["api_base"] = f"{api_base.rstrip('/')}/{plan.source}"
        return {
            "source": plan.source,
            "name": plan.name,
            "entity": plan.entity,
            "shop": plan.shop,
            "mode": plan.mode,
            "zone": plan.zone,
            "cutoff": plan.cutoff,
            "options": options,
            "secrets": secrets,
        }

    @staticmethod
    def _options(plan: AccountPlan) -> dict[str, str]:
        if plan.source == "stripe":
            return {"order_field": "order_id"}
        if plan.source == "alipay":
            return {
                "order_field": "order_id",
                "timeout_s": str(TIMEOUT_S),
                "app_id": APP_IDS[plan.name],
                "seller_id": SELLERS[plan.name],
            }
        if plan.source == "wechatpay":
            mchid, appid = MCHIDS[plan.name], APPIDS[plan.name]
            return {"order_field": "order_id", "mchid": mchid, "appid": appid}
        return {}

    def _secrets(self, plan: AccountPlan, can_ask: bool) -> dict[str, list[str]]:
        name, found = plan.name, dict[str, list[str]]()
        if plan.source == "stripe":
            found["signing"] = [self.secrets.stripe_signing(name)]
            if can_ask:
                found["api_key"] = [self.secrets.stripe_api_key(name)]
        elif plan.source == "alipay":
            found["public_key"] = [public_pem(self.signer.keys.alipay)]
            if can_ask:
                found["private_key"] = [private_pem(self.signer.keys.alipay_merchant)]
        elif plan.source == "wechatpay":
            key = public_pem(self.signer.keys.wechatpay)
            found["platform_key"] = [f"{self.secrets.wechatpay_public_id}={key}"]
            found["api_v3_key"] = [self.secrets.wechatpay_api_v3(name)]
            if can_ask:
                found["private_key"] = [private_pem(self.signer.keys.wechatpay_merchant)]
                found["serial_no"] = [self.secrets.wechatpay_serial]
        else:
            found["signing"] = [self.secrets.storefront(name)]
        return found

    # ------------------------------------------------------------------ for the fake platforms

    def answers(self) -> Answers:
        """Return what platforms answer at the day's end, by (source, account) and reference."""
        found: Answers = {}
        for tale, _ in self._told:
            for rail in tale.rails:
                said = rail.answer(self.settings.judged_at)
                found.setdefault((rail.source, rail.account), {}).update(said)
        return found

    # ------------------------------------------------------------------ for the auditor

    def notices(self, asked: bool = True) -> dict[tuple[str, str], list[Notice]]:
        """Return by (shop, order) everything that arrives, and the answers if all were asked."""
        found: dict[tuple[str, str], list[Notice]] = {}
        for letter in self.letters:
            for notice in letter.notices:
                found.setdefault((_shop_of(notice), notice.order), []).append(notice)
        if asked:
            for tale, _ in self._told:
                for rail in tale.rails:
                    for notice in rail.answer_notices(self.settings.judged_at):
                        found.setdefault((_shop_of(notice), notice.order), []).append(notice)
        return found

    def tales(self) -> list[tuple[Tale, str]]:
        """Return every order as it was told, with its behaviour's name."""
        return self._told


def _shop_of(notice: Notice) -> str:
    return notice.account.split("-", maxsplit=1)[0]

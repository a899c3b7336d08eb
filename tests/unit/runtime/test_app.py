"""The one place that builds things."""

import json

import pytest

from tests.unit.runtime.rig import HOUR, NOW, Clock, delivery, event, house_at, put
from voidtrail.errors import AccountUnknown, LedgerStopped, SettingInvalid, SourceUnknown
from voidtrail.event.model import Kind
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.runtime.app import build, reader_of
from voidtrail.runtime.preparing import prepare
from voidtrail.runtime.settings import load


def controls(house, kind):
    return [json.loads(body) for (body,) in house.ledger.db.execute(
        "SELECT body FROM control WHERE kind = ? ORDER BY seq", (kind,))]  # fmt: skip


def test_accounts_keep_their_numbers_and_stand_in_the_ledger(tmp_path):
    for _ in range(2):
        with house_at(tmp_path) as house:
            assert house.homes == {"storefront/main": 1, "storefront/try-out": 2, "stripe/main": 3}
            assert [each["no"] for each in controls(house, "account")] == [1, 2, 3]
            quiet = [house.entry("storefront", name).quiet for name in ("main", "try-out")]
            assert quiet == [False, True]


def test_only_a_platform_with_credentials_can_be_asked(tmp_path):
    with house_at(tmp_path) as house:
        assert house.terms.askable == (house.homes["stripe/main"],)
        (terms,) = controls(house, "terms")
        assert terms["askable"] == [3]


def test_terms_are_written_down_when_they_change_and_only_then(tmp_path):
    with house_at(tmp_path) as house:
        put(house, event(Kind.OPEN, payment="A1", method=1), source="storefront")
        due = house.ledger.due(NOW + 100 * HOUR, 1)[0][1]
    with house_at(tmp_path) as house:
        assert len(controls(house, "terms")) == 1
    file = tmp_path / "voidtrail.toml"
    file.write_text(file.read_text("utf-8") + "[silence.patience_s]\ncard_form = 60\n", "utf-8")
    with house_at(tmp_path) as house:
        assert len(controls(house, "terms")) == 2
        assert house.ledger.due(NOW + 100 * HOUR, 1)[0][1] < due, "judged anew under the new terms"


def test_an_account_of_an_unknown_source_is_refused_and_leaves_nothing(tmp_path):
    file = tmp_path / "voidtrail.toml"
    file.write_text(f'[ledger]\npath = "{tmp_path}/x.db"\n[[account]]\nsource = "stripee"\n'
                    'name = "main"\n')  # fmt: skip
    with pytest.raises(SourceUnknown, match="stripee"):
        build(load(file, {}), environment={}, clock=Clock())
    file.write_text(f'[ledger]\npath = "{tmp_path}/x.db"\n[[account]]\nsource = "stripe"\n'
                    'name = "main"\nsecrets = {signing = "env:NONE"}\n')  # fmt: skip
    with pytest.raises(SettingInvalid, match="NONE"):
        build(load(file, {}), environment={}, clock=Clock())
    ledger = SqliteLog(tmp_path / "x.db", Projection(load(None, {}).terms()),
                       Keyring.load(tmp_path / "x.db.key"))  # fmt: skip
    assert (ledger.accounts(), ledger.head().entries) == ({}, 0)
    ledger.close()


def test_an_account_that_is_not_configured_is_named(tmp_path):
    with house_at(tmp_path) as house:
        with pytest.raises(AccountUnknown, match="'other'"):
            house.entry("stripe", "other")
        with pytest.raises(SourceUnknown, match="'nobody'"):
            house.entry("nobody", "main")


def test_a_reader_sees_what_is_written_and_can_write_nothing(tmp_path):
    with house_at(tmp_path) as house:
        reader = reader_of(house)
        put(house, event())
        assert reader.ledger.head() == house.ledger.head()
        with pytest.raises(LedgerStopped, match="reading only"):
            reader.ledger.begin()
        reader.close()


def test_a_command_that_does_not_judge_silence_leaves_the_terms_as_they_are(tmp_path):
    with house_at(tmp_path) as house:
        before = house.terms
    file = tmp_path / "voidtrail.toml"
    file.write_text(file.read_text("utf-8") + "[silence.patience_s]\ncard_form = 60\n", "utf-8")
    with house_at(tmp_path, settle=False) as house:
        assert house.terms == before
        assert len(controls(house, "terms")) == 1


PROVIDER = """
[ledger]
path = "{path}"
[[account]]
source = "stripe"
name = "shop-b"
provider = "main"
merchant = "acct_b"
shop = "b"
entity = "B Ltd"
zone = "Europe/Paris"
cutoff = "04:00"
mode = "test"
[[account]]
source = "stripe"
name = "main"
secrets = {{ signing = "env:STRIPE_KEY", api_key = "env:STRIPE_API_KEY" }}
options = {{ order_field = "metadata.order" }}
"""


def provided(folder):
    file = folder / "voidtrail.toml"
    file.write_text(PROVIDER.format(path=folder / "voidtrail.db"), "utf-8")
    return house_at(folder)


def intent(house, merchant, order="A1", payment="pi_1"):
    """Let Stripe tell the provider's address of a payment; return where it was kept."""
    body = {"type": "payment_intent.created", "id": "evt", "account": merchant, "livemode": True,
            "created": NOW // 1_000_000, "data": {"object": {
                "id": payment, "object": "payment_intent", "amount": 500, "currency": "eur",
                "status": "requires_payment_method", "metadata": {"order": order}}}}  # fmt: skip
    entry = house.entry("stripe", "main")
    item = prepare(delivery(body=json.dumps(body).encode()), entry, house.keyring)
    house.ledger.begin()
    house.ledger.append([item], NOW)
    house.ledger.commit()
    return house.ledger.db.execute(
        "SELECT n.text, o.text, p.home_no, p.test, d.account_no FROM payment p "
        "JOIN name n USING (payment_id) JOIN order_name o ON o.no = p.order_id "
        "JOIN event e ON e.name_no = n.no JOIN delivery d ON d.seq = e.delivery_id "
        "WHERE n.text LIKE ?", (f"%{payment}",),
    ).fetchone()  # fmt: skip


def test_what_names_a_sub_merchant_is_kept_under_its_account(tmp_path):
    with provided(tmp_path) as house:
        main, sub = house.homes["stripe/main"], house.homes["stripe/shop-b"]
        assert intent(house, "acct_b") == ("stripe/shop-b/pi_1", "order/b/A1", sub, 1, main)
        kept = intent(house, "acct_x", payment="pi_2")
        assert kept == ("stripe/main/pi_2", "order/default/A1", main, 0, main)


def test_a_sub_merchant_is_asked_about_with_the_providers_secrets(tmp_path):
    with provided(tmp_path) as house:
        entry = house.entry("stripe", "shop-b")
        request = entry.source.query("pi_1", entry.account, entry.secrets, NOW, "n")
        headers = dict(request.headers)
        assert headers == {"Authorization": "Bearer sk_1", "Stripe-Account": "acct_b"}
        assert house.terms.askable == tuple(sorted(house.homes.values()))
        account = house.ledger.accounts()[entry.no]
        assert (account.entity, account.zone, account.cutoff) == ("B Ltd", "Europe/Paris", "04:00")


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ('provider = "main"', 'provider = "mian"', "provider 'mian' is no account of stripe"),
        ('merchant = "acct_b"', "", "provider and merchant go together"),
        ("[ledger]", '[[account]]\nsource = "stripe"\nname = "c"\nprovider = "main"\n'
         'merchant = "acct_b"\n[ledger]', "another account has merchant 'acct_b'"),
        ('name = "shop-b"\nprovider = "main"', 'name = "shop-b"\nprovider = "shop-b"',
         "stands for itself"),
    ],
)  # fmt: skip
def test_a_sub_merchant_of_nobody_or_of_two_is_refused(tmp_path, was, becomes, why):
    file = tmp_path / "voidtrail.toml"
    file.write_text(PROVIDER.format(path="x.db").replace(was, becomes), "utf-8")
    with pytest.raises(SettingInvalid, match=why):
        load(file, {})

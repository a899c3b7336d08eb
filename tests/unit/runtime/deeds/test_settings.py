"""`[seal]` is refused by name when it cannot be meant."""

import pytest

from voidtrail.errors import SettingInvalid, SettingUnknown
from voidtrail.lifecycle.seal import Policy
from voidtrail.runtime.settings import load

ACCOUNT = '[[account]]\nsource = "stripe"\nname = "main"\nshop = "web"\n'


def policy(folder, text):
    file = folder / "voidtrail.toml"
    file.write_text(ACCOUNT + text, "utf-8")
    return load(file, {}).policy()


def test_without_settings_the_defaults_hold(tmp_path):
    assert policy(tmp_path, "") == Policy()


def test_all_of_it(tmp_path):
    found = policy(
        tmp_path,
        """
[seal]
mode = "dry_run"
late = "refund"
refunds = "on"
refund_cap = { CNY = "500.00", JPY = "5000" }
[[seal.rule]]
shop = ["web"]
how = ["abandoned", "expired"]
late = "honour"
after_s = 60
""",
    )
    assert found.cap == {"CNY": 50000, "JPY": 5000}
    assert found.of("stripe", "web", "expired").late == "honour"
    assert found.of("stripe", "web", "expired").mode == "dry_run"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('refund_cap = { CNY = "5.001" }', "seal.refund_cap.CNY"),
        ('refund_cap = { XXQ = "5" }', "seal.refund_cap.XXQ"),
        ('refund_cap = { CNY = "-5" }', "must not be below 0"),
        ('mode = "yes"', "mode"),
        ("after_s = -1", "seal.after_s"),
        ('[[seal.rule]]\nhow = ["abandonned"]', "did you mean abandoned"),
        ('[[seal.rule]]\nsource = ["stripee"]', "did you mean stripe"),
        ('[[seal.rule]]\nshop = ["shop"]', "seal.rule 1: shop"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path, text, told):
    with pytest.raises(SettingInvalid, match=told):
        policy(tmp_path, f"[seal]\n{text}\n")


def test_an_unknown_key_is_refused(tmp_path):
    with pytest.raises(SettingUnknown, match=r"seal\.modes"):
        policy(tmp_path, '[seal]\nmodes = "on"\n')

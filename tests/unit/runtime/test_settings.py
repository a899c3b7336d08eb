"""Settings: one frozen object, from file, environment and flags, in that order."""

import msgspec
import pytest

from voidtrail.errors import SettingInvalid, SettingUnknown
from voidtrail.runtime.settings import Settings, load, secret_of, secrets_of

ACCOUNT = '[[account]]\nsource = "stripe"\nname = "main"\n'


@pytest.fixture
def file(tmp_path):
    return tmp_path / "voidtrail.toml"


def written(file, text, environment=None, flags=None):
    file.write_text(text, "utf-8")
    return load(file, environment or {}, flags)


def refused(file, text, environment=None, flags=None, kind=SettingInvalid):
    with pytest.raises(kind) as raised:
        written(file, text, environment, flags)
    return str(raised.value)


def test_environment_beats_the_file_and_flags_beat_both(file):
    text = "[server]\nport = 1\n[worker]\ntick_s = 1.5\n"
    environment = {"VOIDTRAIL_SERVER__PORT": "2", "VOIDTRAIL_WORKER__TICK_S": "2.5"}
    assert written(file, text).server.port == 1
    assert written(file, text, environment).server.port == 2
    found = written(file, text, environment, {"server.port": 3, "ledger.path": None})
    assert (found.server.port, found.worker.tick_s) == (3, 2.5)
    assert found.ledger.path == Settings().ledger.path, "a flag that was not given changes nothing"


def test_short_names_of_the_environment(file):
    found = written(file, "", {"VOIDTRAIL_DB": "x.db", "VOIDTRAIL_PORT": "99"})
    assert (found.ledger.path, found.server.port) == ("x.db", 99)


def test_what_is_not_ours_in_the_environment_is_left_alone(file):
    environment = {"HOME": "/", "VOIDTRAIL_CONFIG": str(file), "VOIDTRAIL_LANGUAGE": "zh_CN"}
    assert written(file, "[server]\nport = 7\n", environment).server.port == 7


def test_a_file_named_by_the_environment_must_be_there(tmp_path):
    with pytest.raises(SettingInvalid, match="cannot be read"):
        load(None, {"VOIDTRAIL_CONFIG": str(tmp_path / "none.toml")})


def test_without_a_file_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(None, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "named", "nearest"),
    [
        ("[sever]\n", "sever", "server"),
        ("[server]\nprot = 1\n", "server.prot", "server.port"),
        ("[worker]\nask_trys = 1\n", "worker.ask_trys", "worker.ask_tries"),
        (ACCOUNT + 'zones = "UTC"\n', "account.zones", "account.zone"),
        ("[silence.patience_s]\nwechat_qrr = 1\n", "silence.patience_s.wechat_qrr", "wechat_qr"),
    ],
)
def test_an_unknown_key_is_refused_by_name_with_the_nearest_known_one(file, text, named, nearest):
    told = refused(file, text, kind=SettingUnknown)
    assert named in told
    assert f"did you mean {nearest}?" in told


def test_an_unknown_key_without_a_likeness_gets_no_guess(file):
    told = refused(file, "quux = 1\n", kind=SettingUnknown)
    assert "quux" in told
    assert "did you mean" not in told


def test_an_unknown_variable_is_refused_too(file):
    assert "server.prot" in refused(file, "", {"VOIDTRAIL_SERVER__PROT": "1"}, kind=SettingUnknown)
    assert "prot" in refused(file, "", {"VOIDTRAIL_PROT": "1"}, kind=SettingUnknown)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[server\n", "not TOML"),
        ('[server]\nport = "many"\n', "port"),
        (ACCOUNT * 2, "stripe/main is configured twice"),
        ('[[account]]\nsource = "stripe"\nname = ""\n', "must not be empty"),
        ('[[account]]\nsource = "stripe"\nname = "a/b"\n', "slash"),
        (ACCOUNT + 'zone = "Mars/Olympus"\n', "IANA"),
        (ACCOUNT + 'cutoff = "24:00"\n', "cutoff"),
        (ACCOUNT + 'cutoff = "4"\n', "cutoff"),
        (ACCOUNT + 'mode = "sandbox"\n', "mode"),
        ("[silence.patience_s]\nwechat_qr = 0\n", "more than 0"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(file, text, told):
    assert told in refused(file, text)


def test_a_variable_cannot_make_a_group_out_of_a_value(file):
    assert "server.port" in refused(file, "[server]\nport = 1\n",
                                    {"VOIDTRAIL_SERVER__PORT__X": "1"})  # fmt: skip


def test_patience_that_is_set_replaces_only_its_own_method(file):
    text = "[silence]\nbeyond_s = 60\ntolerance_s = 30\n[silence.patience_s]\nwechat_qr = 60\n"
    terms = written(file, text).terms((3,))
    assert terms.patience_s["wechat_qr"] == 60
    assert terms.patience_s["card_form"] == Settings().terms().patience_s["card_form"]
    assert (terms.beyond_s, terms.tolerance_s, terms.askable) == (60, 30, (3,))


def test_settings_cannot_be_changed(file):
    found = written(file, "")
    with pytest.raises(AttributeError):
        found.base = "elsewhere"
    with pytest.raises(AttributeError):
        found.server.port = 1


def test_an_account_is_handed_on_without_its_secrets(file):
    found = written(file, ACCOUNT + 'shop = "s"\ncutoff = "04:00"\nsecrets = {signing = "env:X"}\n')
    account = found.account[0].account()
    assert (account.source, account.shop, account.cutoff) == ("stripe", "s", "04:00")
    assert b"env:X" not in msgspec.json.encode(account)


def test_the_key_file_stands_beside_the_ledger_unless_named(file):
    assert str(written(file, '[ledger]\npath = "a/b.db"\n').key_file()) == "a/b.db.key"
    named = '[ledger]\npath = "a/b.db"\nkey_file = "k"\n'
    assert str(written(file, named).key_file()) == "k"


def test_secrets_come_from_the_environment_or_from_files_only(tmp_path):
    (tmp_path / "key.pem").write_text("from a file\n", "utf-8")
    assert secret_of("env:X", "w", {"X": "from outside"}).reveal() == "from outside"
    assert secret_of("file:key.pem", "w", {}, str(tmp_path)).reveal() == "from a file"
    for place, told in (
        ("env:Y", "no Y"), ("file:none", "No such file"), ("whsec_abc", "env:NAME or file:PATH"),
        ("", "env:NAME or file:PATH"),
    ):  # fmt: skip
        with pytest.raises(SettingInvalid, match=told) as raised:
            secret_of(place, "account stripe/main, secret signing", {}, str(tmp_path))
        assert "account stripe/main, secret signing" in str(raised.value)
        assert "whsec_abc" not in str(raised.value), "a secret in clear is not repeated"


def test_several_secrets_of_one_purpose_are_all_valid(file, tmp_path):
    text = ACCOUNT + '[account.secrets]\nsigning = ["env:A", "env:B"]\napi_key = "env:A"\n'
    found = secrets_of(written(file, text).account[0], {"A": "1", "B": "2"}, str(tmp_path))
    assert [secret.reveal() for secret in found["signing"]] == ["1", "2"]
    assert [secret.reveal() for secret in found["api_key"]] == ["1"]
    assert "1" not in repr(found)


def test_an_option_may_be_the_text_of_a_file(tmp_path):
    (tmp_path / "platform.toml").write_text("title = 'T'\n", "utf-8")
    (tmp_path / "voidtrail.toml").write_text(
        '[[account]]\nsource = "custom"\nname = "main"\n'
        'options = { description = "file:platform.toml", other = "plain" }\n', "utf-8"
    )  # fmt: skip
    found = load(tmp_path / "voidtrail.toml", {})
    options = found.account[0].account(found.base).options
    assert options == {"description": "title = 'T'\n", "other": "plain"}
    (tmp_path / "platform.toml").write_bytes(b"\xff")
    with pytest.raises(SettingInvalid, match=r"account custom/main, option description: .*UTF-8"):
        found.account[0].account(found.base)

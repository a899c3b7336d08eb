"""The command line: exit codes, one clear line for an error, two languages, JSON for machines."""

import json

import pytest

from tests.unit.runtime.house import mapping, row, rows, table
from voidtrail.cli import exits, main
from voidtrail.errors import KeyErased, LedgerStopped, MappingInvalid, SignatureInvalid

COMMANDS = tuple(main.commands().commands)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("VOIDTRAIL_DB", "VOIDTRAIL_LANGUAGE", "VOIDTRAIL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def _run(capsys, *arguments, environment=None):
    code = main.run(arguments, environment or {})
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def imported(here, capsys):
    file, how = table(here, rows(20)), mapping(here)
    assert _run(capsys, "ingest", str(file), "--map", str(how))[0] == exits.DONE
    return here


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_its_example_in_both_languages(capsys, name):
    code, out, _ = _run(capsys, name, "--help")
    assert (code, "Example: voidtrail" in out) == (0, True)
    code, out, _ = _run(capsys, "--lang", "zh_CN", name, "--help")
    assert (code, "示例：voidtrail" in out) == (0, True)


def test_json_has_the_agreed_keys(imported, capsys):
    _, out, _ = _run(capsys, "ingest", "orders.csv", "--map", "shop.toml", "--json")
    assert json.loads(out) == {"deliveries": 20, "events": 0, "duplicates": 40, "unreadable": 0,
                               "payments": 20, "orders": 20}  # fmt: skip
    _, out, _ = _run(capsys, "report", "--by", "shop", "--json")
    found = json.loads(out)
    assert {"orders", "payments", "cancelled", "cancel_rate", "how", "actor", "state", "money",
            "cancelled_minor", "by"} <= found.keys()  # fmt: skip
    assert {"value", "low", "high", "method", "denominator"} <= found["cancel_rate"].keys()
    _, out, _ = _run(capsys, "show", "A5", "--json")
    found = json.loads(out)
    assert found["order"] == "A5"
    assert {"verdict", "events"} <= found["payments"][0].keys()
    code, out, _ = _run(capsys, "verify", "--json")
    assert (code, set(json.loads(out))) == (0, {"ok", "entries", "head"})
    code, out, _ = _run(capsys, "replay", "--json")
    assert (code, json.loads(out)["equal"], set(json.loads(out))) == (0, True, {"equal", "rows"})


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_people_are_told_in_their_language(imported, capsys, language):
    word = {"en": "called off", "zh_CN": "已取消"}[language]
    for arguments in (("report", "--by", "city", "--by", "how"), ("show", "A5")):
        code, out, err = _run(capsys, "--lang", language, *arguments)
        assert (code, err) == (0, "")
        assert word in out
    for arguments in (("verify",), ("replay",), ("retranslate", "table"), ("doctor",)):
        assert _run(capsys, "--lang", language, *arguments)[0] == exits.DONE


def test_rows_that_cannot_be_read_exit_with_one(here, capsys):
    file, how = table(here, [row(1), row(2, amount="1,000.00")]), mapping(here)
    code, out, _ = _run(capsys, "ingest", str(file), "--map", str(how))
    assert code == exits.FOUND
    assert "row 2, column amount" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("report",), exits.WRONG_USE, "there is no ledger at voidtrail.db"),
        (("report", "--nosuch"), exits.WRONG_USE, "--nosuch"),
        (("ingest", "absent.csv", "--map", "absent.toml"), exits.WRONG_USE, "absent.toml"),
        (("--lang", "xx", "report"), exits.WRONG_USE, "'xx' is not known"),
        (("report", "--config", "absent.toml"), exits.WRONG_USE, "absent.toml"),
        (("retranslate", "nosuch"), exits.WRONG_USE, "there is no source 'nosuch'"),
    ],
)
def test_wrong_use_is_one_clear_line(here, capsys, arguments, code, said):
    found, out, err = _run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report",), "voidtrail.db 处没有账本；请用 --db 或 VOIDTRAIL_DB 指定 [not_found]"),
        (("report", "--config", "absent.toml"), "配置文件 absent.toml 无法读取：文件或目录不存在"),
        (("ingest", "absent.csv", "--map", "absent.toml"), "无法读取：文件或目录不存在"),
        (("retranslate", "nosuch"), "没有平台 'nosuch'；可用：adyen, "),
        (("sources", "try", "a.txt"), "配置中没有 [[account]]"),
    ],
)
def test_refusals_are_told_in_chinese_too(here, capsys, arguments, said):
    code, out, err = _run(capsys, "--lang", "zh_CN", *arguments)
    assert (code, out) == (exits.WRONG_USE, "")
    assert said in err


def test_machines_are_answered_in_english_only(here, capsys):
    (here / "voidtrail.toml").write_text(
        '[[account]]\nsource = "stripe"\nname = "main"\n[account.secrets]\nsigning = "env:NOSUCH"\n'
    )
    asked = ("doctor", "--config", "voidtrail.toml")
    _, out, _ = _run(capsys, "--lang", "zh_CN", *asked)
    assert "账户 stripe/main，密钥 signing：没有环境变量 NOSUCH" in out
    _, out, _ = _run(capsys, "--lang", "zh_CN", *asked, "--json")
    assert "account stripe/main, secret signing: the environment has no NOSUCH" in out


def test_errors_carry_their_code(imported, capsys):
    for arguments, name in (
        (("show", "nobody"), "not_found"), (("report", "--by", "nosuch"), "wrong_use"),
        (("report", "--since", "yesterday"), "wrong_use"),
    ):  # fmt: skip
        code, _, err = _run(capsys, *arguments)
        assert code == exits.WRONG_USE
        assert err.rstrip().endswith(f"[{name}]")
        assert len(err.splitlines()) == 1


def test_unknown_setting_is_refused_by_name(here, capsys, monkeypatch):
    monkeypatch.setenv("VOIDTRAIL_SERVER__PROT", "1")
    code, _, err = _run(capsys, "doctor")
    assert code == exits.WRONG_USE
    assert "server.prot is not known; did you mean server.port?" in err


def test_what_is_no_ledger_is_an_outside_fault(here, capsys):
    (here / "voidtrail.db").write_bytes(b"not a database" * 1000)
    code, _, err = _run(capsys, "report")
    assert (code, "ledger_unsafe" in err) == (exits.OUTSIDE, True)


def test_broken_chain_is_found(imported, capsys):
    import sqlite3

    with sqlite3.connect(imported / "voidtrail.db") as db:
        db.execute("UPDATE event SET amount_minor = 1 WHERE seq = (SELECT max(seq) FROM event)")
    db.close()
    code, out, _ = _run(capsys, "verify", "--json")
    assert code == exits.FOUND
    assert json.loads(out)["ok"] is False
    assert _run(capsys, "replay")[0] == exits.FOUND


def test_cut_off_end_is_found_by_a_kept_head(imported, capsys):
    assert _run(capsys, "verify", "--head", "00" * 32)[0] == exits.FOUND


def test_reading_writes_nothing(imported, capsys):
    before = (imported / "voidtrail.db").read_bytes()
    for arguments in (("report", "--as-of", "2026-04-01"), ("show", "A1"), ("verify",),
                      ("replay",), ("doctor",)):  # fmt: skip
        assert _run(capsys, *arguments)[0] == exits.DONE
    assert (imported / "voidtrail.db").read_bytes() == before


def test_exit_codes_are_a_table_of_errors():
    assert exits.exit_code(MappingInvalid("")) == exits.WRONG_USE
    assert exits.exit_code(LedgerStopped("")) == exits.OUTSIDE
    assert exits.exit_code(SignatureInvalid("")) == exits.FOUND
    assert exits.exit_code(KeyErased("")) == exits.FOUND
    assert exits.exit_code(OSError()) == exits.OUTSIDE

"""What is shown of a payment's closing and of its late success."""

import pytest
from typer.testing import CliRunner

from tests.unit.runtime.deeds.office import Office
from voidtrail.cli import show as cli
from voidtrail.cli.main import app
from voidtrail.runtime import clock
from voidtrail.runtime.show import show
from voidtrail.runtime.text import speak
from voidtrail.runtime.views.lives import payment as payment_page
from voidtrail.testing.platforms.fake import Step
from voidtrail.web.console.rendering import environment


def told(office, reference="A1"):
    with office.house() as house:
        (payment,) = show(house, reference)["payments"]
    return payment


def late(folder, seal='refunds = "on"\nrefund_cap = { EUR = "5.00" }'):
    office = Office(folder, seal)
    payment = office.left()
    office.work()
    office.pay(payment)
    office.work()
    return office


def test_a_payment_that_goes_on_has_nothing_to_close(tmp_path):
    office = Office(tmp_path)
    office.fake.open("A1", 500, office.clock())
    office.work()
    found = told(office)
    assert found["seal"] == {"state": "none", "why": "", "tries": 0, "due_at": None}
    assert found["late_success"] is None


@pytest.mark.parametrize(
    ("seal", "state"),
    [("", "off"), ('mode = "dry_run"', "dry_run"), ('mode = "on"', "sealed"),
     ('mode = "on"\n[[seal.rule]]\nafter_s = 900000', "waiting")],
)  # fmt: skip
def test_an_abandoned_payment_says_why_it_might_still_be_paid(tmp_path, seal, state):
    office = Office(tmp_path, seal)
    office.left()
    office.work()
    assert told(office)["seal"]["state"] == state


def test_a_closing_that_failed_says_what_the_platform_said(tmp_path):
    office = Office(tmp_path, 'mode = "on"')
    payment = office.left()
    do = office.fake.do
    office.fake.do = lambda one, step, *more, **named: (
        step is not Step.CLOSE and do(one, step, *more, **named)
    )
    office.work()
    assert payment.status == "open"
    found = told(office)["seal"]
    assert (found["state"], found["why"]) == ("failed", "refused: payment_intent_unexpected_state")


def test_policy_that_came_later_ordered_nothing(tmp_path):
    office = Office(tmp_path)
    office.left()
    office.work()
    text = office.file.read_text("utf-8").replace("[seal]", '[seal]\nmode = "on"')
    office.file.write_text(text, "utf-8")
    assert told(office)["seal"]["state"] == "unordered"


def test_a_late_success_is_shown_as_it_stands(tmp_path):
    office = late(tmp_path)
    found = told(office)["late_success"]
    assert (found["state"], found["how"], found["amount_minor"]) == ("open", "abandoned", 500)
    with office.house() as house:
        name = next(iter(office.fake.payments))
        page = payment_page(house, f"stripe/main/{name}")
    assert (page.late.state, page.late.amount.minor, page.sealing.state) == ("open", 500, "none")


def test_the_payments_page_says_it_in_words(tmp_path):
    office = late(tmp_path, 'refunds = "on"\nlate = "refund"')
    name = next(iter(office.fake.payments))
    with office.house() as house:
        page = payment_page(house, f"stripe/main/{name}")
    draw = environment().get_template("_life.html").module.life  # type: ignore[attr-defined]
    shown = str(draw(page, lambda place: place, office.clock()))
    assert "Paid after it was called off" in shown
    assert "waits for a second person" in shown
    (tmp_path / "other").mkdir()
    office = Office(tmp_path / "other")
    payment = office.left()
    office.work()
    with office.house() as house:
        page = payment_page(house, f"stripe/main/{payment.reference}")
    speak("zh_CN")
    draw = environment().get_template("_life.html").module.life  # type: ignore[attr-defined]
    shown = str(draw(page, str, office.clock()))
    speak("en")
    assert "未开启自动关单" in shown


def test_the_command_line_says_it_in_words(tmp_path, capsys):
    office = late(tmp_path)
    with office.house() as house:
        life = show(house, "A1")
    cli.tell(life)
    assert "paid after it was called off · waits for a decision" in capsys.readouterr().out
    speak("zh_CN")
    cli.tell(life)
    speak("en")
    assert "取消后又到账 · 待处理" in capsys.readouterr().out


def test_a_person_decides_at_the_command_line(tmp_path, monkeypatch):
    office = late(tmp_path)
    secrets = office.fake.secrets()
    for name, value in (("SIGNING", secrets["signing"]), ("API_KEY", secrets["api_key"])):
        monkeypatch.setenv(name, value)

    def run(*words):
        return CliRunner().invoke(app, ["resolve", *words, "--config", str(office.file)])

    listed = run()
    assert (listed.exit_code, "A1" in listed.output) == (1, True)
    done = run("A1", "--refund", "--by", "Li Wei", "--json")
    assert (done.exit_code, '"done": "refunded"' in done.output) == (0, True)
    assert run().exit_code == 0
    office.clock.now = clock.now()  # by which the command decided
    office.work()
    assert told(office)["late_success"]["outcome"] == "done"
    assert type(run("A1", "--honour").exception).__name__ == "NotPossible"
    assert type(run("A1").exception).__name__ == "WrongUse"

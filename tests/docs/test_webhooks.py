"""The page of webhooks shows the keys, events, advice and schedule that there are."""

import json

from tests.docs.pages import blocks, page, rows, section, words
from voidtrail.lifecycle.verdict import Verdict
from voidtrail.response.telling import Because, Word
from voidtrail.runtime.endpoints.carrier import SCHEDULE_S
from voidtrail.runtime.endpoints.telling import said, sample

PAGE = page("docs/reference/webhooks.md")
UNITS = {"s": 1, "min": 60, "h": 3600}


def keys(value):
    if not isinstance(value, dict):
        return None
    return {name: keys(each) for name, each in value.items()}


def shown():
    [block] = blocks(section(PAGE, "A message"), "json")
    return json.loads(block)


def test_message_that_is_shown_has_the_keys_of_a_real_one():
    real = json.loads(sample(Word.CALLED_OFF, 1))
    real["data"]["before"] = said(Verdict(*[0] * len(Verdict._fields)))
    assert keys(shown()) == keys(real)


def test_every_event_and_every_advice_is_named():
    events = {words(row[0])[0] for row in rows(section(PAGE, "The four events"))}
    assert events == {word.value for word in Word}
    because = {words(row[0])[0] for row in rows(section(PAGE, "Advice"))}
    assert because == {each.value for each in Because}


def test_schedule_is_the_one_that_is_kept():
    [row] = [row for row in rows(section(PAGE, "What you may rely on")) if row[0] == "twelve tries"]
    waits = row[1].partition("after ")[2].partition(", each")[0].split(", ")
    assert [int(n) * UNITS[unit] for n, unit in (each.split() for each in waits)] == list(
        SCHEDULE_S
    )
    assert len(waits) == 11

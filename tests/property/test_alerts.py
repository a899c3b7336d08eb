"""Alerts against an oracle that is slow, plain and knows nothing of incidents as they are kept."""

import random
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from tests.unit.response.told import HOUR, MINUTE, NOW, OPEN, SECOND, Office, news
from voidtrail.response.hours import Hours, parse
from voidtrail.response.incident import Seen
from voidtrail.response.news import Standing
from voidtrail.response.route import Route, fires

WINDOW = 15 * MINUTE
SHOPS = {"downtown": ("Asia/Shanghai", 8), "airport": ("Asia/Tokyo", 9)}
RAILS = ("alipay", "wechatpay", "stripe")
ENDINGS = (
    ("cancelled", "customer_cancelled", "customer"), ("cancelled", "abandoned", "customer"),
    ("cancelled", "expired", "platform"), ("declined", "none", "issuer"),
    ("failed", "none", "unknown"), ("paid", "none", "unknown"),
)  # fmt: skip
# Name, receivers, and the conditions again in the oracle's own words.
ROUTES = (
    Route("large", ("duty", "lead"), at_least={"CNY": 50_000, "JPY": 10_000}),
    Route("faults", ("tech",), state=("failed",)),
    Route("left", ("growth",), send="digest", how=("abandoned",), shop=("downtown",)),
    Route("office", ("desk",), hours="business", rail=("stripe",), state=("cancelled",)),
    Route("calm", ("desk", "mail"), hours="awake", actor=("issuer",), below={"CNY": 50_000}),
    Route("rest", ("mail",), send="digest"),
)
HOURS = {"*": Hours(parse("22:00-08:00"), parse("Mon-Fri 09:00-18:00"))}


def wants(change):
    """(channel, how it is told, under which hours), for one change, by plain reading."""
    state, how, actor, _ = change.after
    big = {"CNY": 50_000, "JPY": 10_000}[change.currency] <= change.amount_minor
    if state == "paid":
        return []
    found = [("mail", "digest", "always")]
    if big:
        found += [("duty", "at_once", "always"), ("lead", "at_once", "always")]
    if state == "failed":
        found.append(("tech", "at_once", "always"))
    if how == "abandoned" and change.shop == "downtown":
        found.append(("growth", "digest", "always"))
    if change.rail == "stripe" and state == "cancelled":
        found.append(("desk", "at_once", "business"))
    if actor == "issuer" and change.currency == "CNY" and change.amount_minor < 50_000:
        found += [("desk", "at_once", "awake"), ("mail", "at_once", "awake")]
    return found


def is_open(rule, shop, at):
    local = datetime.fromtimestamp(at / 1e6, timezone(timedelta(hours=SHOPS[shop][1])))
    if rule == "awake":
        return 8 <= local.hour < 22
    return rule == "always" or (local.weekday() < 5 and 9 <= local.hour < 18)


def generated(seed, count=200):
    """Changes over three days, now and then many in a row."""
    chance = random.Random(seed)
    at, changes = NOW, []
    for no in range(1, count + 1):
        at += chance.choice((SECOND, 20 * SECOND, 5 * MINUTE, HOUR))
        shop, currency = chance.choice(list(SHOPS)), chance.choice(("CNY", "JPY"))
        state, how, actor = chance.choice(ENDINGS)
        changes.append(
            news(no, Standing(state, how, actor, "none"), at=at, shop=shop,
                 rail=chance.choice(RAILS),
                 zone=SHOPS[shop][0], currency=currency, before=chance.choice((OPEN, None)),
                 amount_minor=chance.choice((100, 9_999, 10_000, 49_999, 50_000, 700_000)))
        )  # fmt: skip
    return changes


def clusters(changes):
    """What belongs together: same shop, rail and ending, no gap longer than the window."""
    kinds = {}
    for change in changes:
        if change.after.state != "paid":
            kinds.setdefault((change.shop, change.rail, change.after.how, change.after.state),
                             []).append(change)  # fmt: skip
    for alike in kinds.values():
        part = [alike[0]]
        for before, change in pairwise(alike):
            if change.at - before.at > WINDOW:
                yield part
                part = []
            part.append(change)
        yield part


def expected(changes, end):
    """By incident (its payments) and channel: told at once and from when, or in digests."""
    found = {}
    for part in clusters(changes):
        payments = frozenset(change.payment for change in part)
        for channel in {name for change in part for name, *_ in wants(change)}:
            asked = [
                (change.at, rule)
                for change in part
                for name, way, rule in wants(change)
                if (name, way) == (channel, "at_once")
            ]
            if not asked:
                found[payments, channel] = "digest"
                continue
            # The most urgent of the hours asked for by then holds.
            at = asked[0][0]
            while at <= end:
                rules = {rule for since, rule in asked if since <= at}
                if any(is_open(rule, part[0].shop, at) for rule in rules):
                    break
                later = [since for since, _ in asked if since > at]
                at = min([at // MINUTE * MINUTE + MINUTE, *later[:1]])
            found[payments, channel] = at if at <= end else "held"
    return found


@pytest.mark.parametrize("seed", range(8))
def test_200_cancellations_reach_exactly_the_expected_receivers(seed):
    changes = generated(seed)
    office = Office(*ROUTES, window_us=WINDOW, hours=HOURS)
    for change in changes:
        office.wait(change.at - office.now)
        office.hear(change)
    office.wait(5 * 24 * HOUR)
    of_incident = {}
    for event in office.events:
        if isinstance(event, Seen):
            of_incident.setdefault(event.incident, set()).update(event.payments)
    at_once, digests = {}, {}
    for at, tell in office.tells:
        for incident in tell.incidents:
            key = (frozenset(of_incident[incident.no]), tell.channel)
            if tell.why == "digest":
                digests.setdefault(key, []).append(incident.count)
            elif tell.why == "opened":
                assert key not in at_once, "told at once twice"
                at_once[key] = at
            else:
                assert key in at_once, f"{tell.why} without a beginning"
    wanted = expected(changes, office.now)
    assert set(at_once) == {key for key, at in wanted.items() if at != "digest"}
    for key, at in at_once.items():
        assert 0 <= at - wanted[key] <= MINUTE, "in time, as soon as the hours allow"
    only_digest = {key for key, at in wanted.items() if at == "digest"}
    assert only_digest <= set(digests)
    for key in only_digest:
        assert digests[key] == sorted(set(digests[key])), "each digest tells more than the last"
        assert digests[key][-1] == len(key[0]), "in the end all payments are told"
    assert not office.state.incidents, "nothing is left undone"
    assert office.replayed() == office.state


def test_the_oracle_and_the_routes_read_alike():
    """Each route fires for some generated change and leaves out others."""
    changes = [change for seed in range(8) for change in generated(seed)]
    for route in ROUTES:
        fired = sum(fires(route, change) for change in changes)
        assert 0 < fired < len(changes), route.name


def test_ten_thousand_of_an_outage_among_other_traffic_are_one_incident():
    office = Office(Route("all", ("duty",)), window_us=WINDOW)
    chance, no = random.Random(7), 0
    while no < 12_000:
        batch = []
        for _ in range(256):
            no += 1
            ended = no % 6 == 0
            standing = Standing(*ENDINGS[2 if ended else 4], "none")
            batch.append(news(no, standing, at=NOW + no * 40_000, rail="alipay",
                              amount_minor=chance.randrange(1, 10_000)))  # fmt: skip
        office.hear(*batch)
    faults = [i for i in office.state.incidents.values() if i.topic.what == "fault"]
    assert len(faults) == 1
    assert faults[0].count == sum(n % 6 != 0 for n in range(1, no + 1))
    assert len(office.tells) == 2

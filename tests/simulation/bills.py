"""Bills with planted differences, reconciled for real: what is found is compared with the plan."""

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery
from voidtrail.runtime.app import add_account, build
from voidtrail.runtime.preparing import item_of
from voidtrail.runtime.reconciling.run import Asked, reconcile_file
from voidtrail.runtime.settings import Ledger, Settings
from voidtrail.testing.bills import FORMS, planted, write
from voidtrail.testing.bills.writing import MAPPING

OPTION = {"alipay": "seller_id", "wechatpay": "mchid", "adyen": "merchant_account",
          "paypal": "merchant_id"}  # fmt: skip


def house_in(folder):
    return build(Settings(ledger=Ledger(path=str(Path(folder, "v.db")))), environment={})


def book(house, day):
    """Put our side of a day into the ledger; return the account's name."""
    ledger, name = house.ledger, f"{day.form}-{day.seed}"
    option = OPTION.get(day.form)
    ledger.begin()
    entry = add_account(
        house, Account(source=day.source, name=name, shop=f"shop-{name}", zone=day.zone,
                       options={option: day.merchant} if option else {}), {}
    )  # fmt: skip
    other = add_account(
        house, Account(source="razorpay", name=name, shop=f"shop-{name}", zone=day.zone), {}
    )
    for each, events in ((entry, day.ours), (other, day.elsewhere)):
        items = [
            item_of(Delivery(source=each.account.source, account=name, received_at=day.until,
                             body=repr((place, event)).encode()),
                    [event], each, house.keyring)
            for place, event in enumerate(events)
        ]  # fmt: skip
        ledger.append(items, house.clock())
    ledger.commit()
    return name


def reconciled(house, day, folder, **asked):
    """Reconcile a day's bill; return the outcome."""
    name = book(house, day)
    file = Path(folder, f"{name}.csv")
    file.write_bytes(write(day))
    mapping = None
    if day.form == "table":
        mapping = Path(folder, "map.toml")
        mapping.write_text(MAPPING, "utf-8")
    wanted = {"day": day.date if day.seed % 2 else "", **asked}
    return reconcile_file(house, Asked(file, day.source, name, mapping=mapping, **wanted))


def differing(day, outcome):
    """Return (not found, invented) as counts of (kind, item, order)."""
    found = Counter((each.kind, each.item, each.order) for each in outcome.findings)
    planned = Counter(map(tuple, day.expected))
    return planned - found, found - planned


def campaign(seeds, forms=FORMS):
    """Yield (seed, form, day, outcome, not found, invented), in ledgers of their own."""
    for form in forms:
        with TemporaryDirectory() as folder:
            house = house_in(folder)
            for seed in seeds:
                day = planted(seed, form)
                outcome = reconciled(house, day, folder)
                yield (seed, form, day, outcome, *differing(day, outcome))
            house.close()


def main(first=0, count=1000):
    """Run a campaign; print what was missed."""
    kinds, faults, runs = Counter(), 0, 0
    for seed, form, day, outcome, missed, invented in campaign(range(first, first + count)):
        runs += 1
        kinds.update(day.kinds)
        if missed or invented or not outcome.run.complete:
            faults += 1
            sys.stdout.write(f"{form} {seed}: missed {dict(missed)}, invented {dict(invented)}, "
                             f"{outcome.run.notes}\n")  # fmt: skip
    sys.stdout.write(f"{runs} bills, {len(kinds)} kinds, {sum(kinds.values())} planted, "
                     f"{faults} bills with a fault\n")  # fmt: skip
    for kind, n in sorted(kinds.items()):
        sys.stdout.write(f"{n:7} {kind}\n")
    return faults


if __name__ == "__main__":
    sys.exit(min(1, main(*map(int, sys.argv[1:]))))

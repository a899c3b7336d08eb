"""Alipay's trade bill (业务明细): four lines of preface, a table, lines with totals.

Source: docs of `alipay.data.dataservice.bill.downloadurl.query`, and a bill in public. GB 18030, a
tab behind most values, full-width brackets in the columns' names. A trade that was never paid does
not stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.event.model import Micros
from voidtrail.sources import bill_reading
from voidtrail.sources.bill_reading import Bad, End, Head, Hints, Piece, Said, Total, Unfit

SOURCE: Final = "alipay"
MERCHANT_OPTIONS: Final = ("seller_id",)
_ZONE: Final = "Asia/Shanghai"
_ACCOUNT: Final = re.compile(r"账号[:：]\s*\[(\d+)\]")
_DAY: Final = r"\[(\d{4})年(\d{2})月(\d{2})日\s*([\d:]{8})\]"
_PERIOD: Final = re.compile(rf"起始日期[:：]\s*{_DAY}\s*终止日期[:：]\s*{_DAY}")
_SUM: Final = re.compile(r"#(交易|退款)合计[:：](\d+)笔[,，]商家实收(?:退款)?共(-?[\d.,]+)元")
_END: Final = "明细列表结束"
_ITEMS: Final = {"交易": Item.PAYMENT, "退款": Item.REFUND}
_PAID: Final = "商家实收(元)"


def recognises(start: str) -> bool:
    """Whether a file that begins so is an Alipay trade bill."""
    return ("支付宝" in start[:200] and "业务明细" in start) or start.startswith("支付宝交易号,")


def read(lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Read a bill (see `bill_reading.Form`)."""
    state = _State()
    yield from _pieces(state, lines, hints)
    yield from state.totals()
    yield End(state.closed)


class _State:
    """What the lines outside of the table say, and what the rows add up to."""

    def __init__(self) -> None:
        self.head: Head = Head()
        self.closed = False
        self.stated: dict[str, tuple[int, Decimal | None]] = {}
        self.count = dict.fromkeys(_ITEMS, 0)
        self.sums = dict.fromkeys(_ITEMS, Decimal())

    def hear(self, line: str) -> None:
        """Take up a line that begins with "#"."""
        account = _ACCOUNT.search(line)
        if account:
            self.head = Head(account[1], self.head.since, self.head.until)
        period = _PERIOD.search(line)
        if period:
            self.head = Head(self.head.merchant, _day(period, 1), _day(period, 5))
        total = _SUM.match(line.replace(" ", ""))
        if total:
            self.stated[total[1]] = (int(total[2]), bill_reading.decimal(total[3]))
        self.closed = self.closed or _END in line

    def add(self, fields: Mapping[str, str]) -> None:
        """Add a row up."""
        word = fields.get("业务类型", "")
        if word in self.count:
            self.count[word] += 1
            self.sums[word] += bill_reading.decimal(fields.get(_PAID, "")) or Decimal()

    def totals(self) -> Iterator[Total]:
        """Yield what the bill states beside what was found."""
        for word, (count, total) in self.stated.items():
            yield Total(f"{word}合计 笔", str(count), str(self.count[word]))
            if total is not None:
                sums = bill_reading.plain(self.sums[word])
                yield Total(f"{word}合计 商家实收", bill_reading.plain(total), sums)


def _day(found: re.Match[str], at: int) -> Micros:
    year, month, day, clock = found[at], found[at + 1], found[at + 2], found[at + 3]
    return bill_reading.instant(f"{year}-{month}-{day} {clock}", _ZONE, "起始日期")


def _pieces(state: _State, lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Yield head and rows; what stands outside of the table goes to the state."""
    names: list[str] = []
    told = False

    def table() -> Iterator[str]:
        for line in lines:
            if line.startswith("#"):
                state.hear(line)
                yield "\n"  # so that lines are counted
            else:
                yield line

    for found in bill_reading.records(table()):
        if not told:
            told = True
            yield state.head
        if isinstance(found, Bad):
            yield found
        elif not names:
            names = [bill_reading.column(each) for each in found.cells]
        else:
            each = bill_reading.said(names, found, row_of, hints)
            if isinstance(each, Said):
                state.add(each.fields)
            yield each


def row_of(fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
    """Read one row from its cells.

    Raises:
        Unfit: a cell cannot be read.
    """
    trade, order = fields.get("支付宝交易号", ""), fields.get("商户订单号", "")
    if not trade:
        raise Unfit("支付宝交易号", "is empty or absent")
    word = fields.get("业务类型", "")
    item = _ITEMS.get(word, Item.OTHER)
    at = bill_reading.instant(
        fields.get("完成时间") or fields.get("创建时间", ""), _ZONE, "完成时间"
    )
    total = bill_reading.amount(fields.get("订单金额(元)", ""), "CNY", "订单金额(元)")
    fee = bill_reading.amount(fields.get("服务费(元)", ""), "CNY", "服务费(元)", rounding=True)
    return BillRow(
        line=line, item=item, standing=Standing.SUCCEEDED, status=word, at=at, reference=trade,
        names=(order,) if order else (), order=order,
        operation=fields.get("退款批次号/请求号", "") if item is Item.REFUND else "",
        amount_minor=-total if item is Item.REFUND else total, currency="CNY",
        fee_minor=-fee, settled_currency="CNY",
    )  # fmt: skip

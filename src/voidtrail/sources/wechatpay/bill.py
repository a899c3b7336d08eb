"""WeChat Pay's trade bill (对账单): a table behind backticks, then one row of totals.

Source: docs of `/v3/bill/tradebill` (ALL, SUCCESS, REFUND), and a bill whose published SHA-1 fits.
Amounts are yuan here, though the API speaks fen. An order that was never paid does not stand in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.sources import bill_reading
from voidtrail.sources.bill_reading import Bad, End, Head, Hints, Piece, Said, Total, Unfit
from voidtrail.sources.contract import first

SOURCE: Final = "wechatpay"
MERCHANT_OPTIONS: Final = ("mchid",)
_ZONE: Final = "Asia/Shanghai"
_SUMS: Final = {
    "应结订单总金额": "应结订单金额", "退款总金额": "退款金额", "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额", "手续费总金额": "手续费",
}  # fmt: skip
"""Columns of the row of totals, and the columns that they add up."""
_REFUNDS: Final = {
    "SUCCESS": Standing.SUCCEEDED, "PROCESSING": Standing.PENDING, "CHANGE": Standing.FAILED,
    "ABNORMAL": Standing.FAILED, "FAIL": Standing.FAILED, "CLOSED": Standing.FAILED,
    "CLOSE": Standing.FAILED,
}  # fmt: skip


def recognises(start: str) -> bool:
    """Whether a file that begins so is a WeChat Pay trade bill."""
    return "微信订单号" in start[:400] and "商户订单号" in start[:400]


def read(lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Read a bill (see `bill_reading.Form`)."""
    names: list[str] = []
    totals: list[str] = []
    count, sums = 0, dict.fromkeys(_SUMS.values(), Decimal())
    closed = told = False
    for found in bill_reading.records(map(_quoted, lines)):
        if isinstance(found, Bad):
            yield found
        elif not names:
            names = [bill_reading.column(each) for each in found.cells]
        elif totals:
            closed = True
            stated = dict(zip(totals, map(bill_reading.cell, found.cells), strict=False))
            yield from _totals(stated, count, sums)
        elif bill_reading.cell(found.cells[0]).startswith("总交易单数"):
            totals = [bill_reading.column(each) for each in found.cells]
        else:
            each = bill_reading.said(names, found, row_of, hints)
            if isinstance(each, Said):
                if not told:
                    told = True
                    yield Head(each.row.merchant, lacks=_lacks(names))
                count += 1
                for name in sums:
                    sums[name] += bill_reading.decimal(each.fields.get(name, "")) or Decimal()
            yield each
    yield End(closed)


def _lacks(names: list[str]) -> tuple[Item, ...]:
    """Return what the bill's type leaves out: SUCCESS has no refunds, REFUND no payments."""
    if "微信退款单号" not in names:
        return (Item.REFUND,)
    return (Item.PAYMENT,) if "退款申请时间" in names else ()


def _quoted(line: str) -> str:
    """Return a line of data as CSV: cells end where a comma and a backtick stand, nowhere else."""
    if not line.startswith("`"):
        return line
    ending = line[len(line.rstrip("\r\n")) :]
    cells = line[1 : len(line) - len(ending)].replace('"', '""').split(",`")
    return '"' + '","'.join(cells) + '"' + ending


def _totals(stated: Mapping[str, str], count: int, sums: Mapping[str, Decimal]) -> Iterator[Total]:
    yield Total("总交易单数", stated.get("总交易单数", ""), str(count))
    for name, column in _SUMS.items():
        value = bill_reading.decimal(stated.get(name, ""))
        if value is not None:
            yield Total(name, bill_reading.plain(value), bill_reading.plain(sums[column]))


def row_of(fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
    """Read one row from its cells.

    Raises:
        Unfit: a cell cannot be read.
    """
    number, order = fields.get("微信订单号", ""), fields.get("商户订单号", "")
    if not number and not order:
        raise Unfit("微信订单号", "is empty or absent")
    status = first(fields.get("交易状态"), "REFUND" if "微信退款单号" in fields else "SUCCESS")
    currency = bill_reading.currency_of(first(fields.get("货币种类"), fields.get("货币类型")),
                                        "货币种类", "CNY")  # fmt: skip
    refund = fields.get("微信退款单号", "")
    is_back = status in ("REFUND", "REVOKED")
    names = ("申请退款金额", "退款金额") if is_back else ("订单金额", "应结订单金额", "总金额")
    name = next((each for each in names if fields.get(each)), names[-1])
    amount = bill_reading.amount(fields.get(name, ""), currency, name)
    if status == "REVOKED" and not amount:  # a reversed bar-code payment may state no refund
        amount = bill_reading.amount(fields.get("订单金额", ""), currency, "订单金额")
    standing = Standing.SUCCEEDED
    if is_back:
        standing = _REFUNDS.get(fields.get("退款状态") or "SUCCESS", Standing.PENDING)
    when = first(fields.get("退款成功时间"), fields.get("退款申请时间"), fields.get("交易时间"))
    return BillRow(
        line=line, item=Item.REFUND if is_back else Item.PAYMENT, standing=standing,
        status=f"{status}/{fields['退款状态']}" if fields.get("退款状态") else status,
        at=bill_reading.instant(when, _ZONE, "交易时间"), reference=number or order,
        names=(order,) if order and number else (), order=order,
        operation=refund if is_back and refund != "0" else "",
        amount_minor=abs(amount) if is_back else amount, currency=currency,
        fee_minor=bill_reading.amount(fields.get("手续费", ""), currency, "手续费", rounding=True),
        settled_currency=currency, merchant=_merchant(fields),
    )  # fmt: skip


def _merchant(fields: Mapping[str, str]) -> str:
    """Return the merchant, of a service provider's bill too its sub-merchant, as "160/190"."""
    sub = fields.get("特约商户号", "")
    number = fields.get("商户号", "")
    return f"{number}/{sub}" if sub not in ("", "0") else number

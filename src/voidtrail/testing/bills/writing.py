"""A day's bill as each platform writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from voidtrail.event.bill import Item, Standing
from voidtrail.event.model import Micros
from voidtrail.money import exponent, major_text
from voidtrail.testing.bills.day import Day, Entry

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAPPING: Final = """
zone = "UTC"
currency = "USD"
amount_unit = "minor"
[columns]
order = "order"
payment = "payment"
[[event]]
kind = "CAPTURE"
result = "SUCCEEDED"
at = "at"
amount = "amount"
currency = "currency"
when = "kind = 'payment'"
[[event]]
kind = "REFUND"
result = "SUCCEEDED"
at = "at"
amount = "amount"
currency = "currency"
operation = "operation"
when = "kind = 'refund'"
"""
"""The mapping file of the table."""


def write(day: Day) -> bytes:
    """Return a day's bill."""
    return _WRITERS[day.form](day)


def _at(at: Micros, zone: str) -> datetime:
    return (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))


def _wall(at: Micros, zone: str) -> str:
    return f"{_at(at, zone):%Y-%m-%d %H:%M:%S}"


def _major(entry: Entry, amount: int | None = None) -> str:
    return major_text(entry.amount if amount is None else amount, entry.currency)


def _csv(rows: Sequence[Sequence[str]], end: str = "\n") -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue()


# ------------------------------------------------------------------------------------ mainland

_ALIPAY: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def _alipay(day: Day) -> bytes:
    def date(at: Micros) -> str:
        return f"[{_at(at, day.zone):%Y年%m月%d日 %H:%M:%S}]"

    lines = [
        "#支付宝业务明细查询", f"#账号：[{day.merchant}0156]",
        f"#起始日期：{date(day.since)}   终止日期：{date(day.until)}",
        "#-----------------------------------------业务明细列表----------------------------------",
        _ALIPAY,
    ]  # fmt: skip
    count, sums = {"交易": 0, "退款": 0}, {"交易": 0, "退款": 0}
    for each in day.entries:
        word = "退款" if each.item is Item.REFUND else "交易"
        value = -each.amount if word == "退款" else each.amount
        count[word] += 1
        sums[word] += value
        when = _wall(each.at, day.zone)
        money, fee = _major(each, value), _major(each, -each.fee)
        lines.append(
            f'{each.reference}\t,{each.order}\t,{word}\t,钟 "小" 店,{when},{when},s\t,s\t,o\t,\t,'
            f"*水(602***@qq.com)\t,{money},{money},0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,"
            f"{each.operation}\t,{fee},0.00,备注"
        )
    lines += [
        "#-----------------------------------------业务明细列表结束------------------------------",
        f"#交易合计：{count['交易']}笔，商家实收共{major_text(sums['交易'], 'CNY')}元，"
        "商家优惠共0.00元",
        f"#退款合计：{count['退款']}笔，商家实收退款共{major_text(sums['退款'], 'CNY')}元，"
        "商家优惠退款共0.00元",
        f"#导出时间：{date(day.until)}",
    ]  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines).encode("gb18030")


_WECHAT: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_WECHAT_SUMS: Final = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
_REFUND_WORDS: Final = {
    Standing.SUCCEEDED: "SUCCESS", Standing.PENDING: "PROCESSING", Standing.FAILED: "FAIL",
}  # fmt: skip


def _wechatpay(day: Day) -> bytes:
    rows, paid, back, fees = [], Decimal(), Decimal(), Decimal()
    for each in day.entries:
        money = Decimal(_major(each))
        is_back = each.item is Item.REFUND
        order, returned = (Decimal(), money) if is_back else (money, Decimal())
        fee = Decimal() if is_back else Decimal(_major(each, each.fee))
        paid, back, fees = paid + order, back + returned, fees + fee
        cells = [
            _wall(each.at, day.zone), "wx81be", day.merchant, "0", "", each.reference, each.order,
            "ofyak", "NATIVE", "REFUND" if is_back else "SUCCESS", "OTHERS", each.currency,
            f"{order:.2f}", "0.00", each.operation or "0", "0", f"{returned:.2f}", "0.00",
            "ORIGINAL" if is_back else "", _REFUND_WORDS[each.standing] if is_back else "",
            "梨, 5 斤", "", f"{fee:.5f}", "0.60%", f"{order:.2f}", f"{returned:.2f}", "",
        ]  # fmt: skip
        rows.append(",".join(f"`{cell}" for cell in cells))
    totals = (str(len(rows)), f"{paid:.2f}", f"{back:.2f}", "0.00", f"{fees:.5f}", f"{paid:.2f}",
              f"{back:.2f}")  # fmt: skip
    lines = [_WECHAT, *rows, _WECHAT_SUMS, ",".join(f"`{each}" for each in totals)]
    return ("\ufeff" + "".join(f"{line}\r\n" for line in lines)).encode()


# ------------------------------------------------------------------------------------ abroad


def _settled(entry: Entry, amount: int) -> tuple[str, str]:
    """Return an amount in the currency that is paid out, and that currency."""
    if not entry.rate:
        return _major(entry, amount), entry.currency
    value = Decimal(_major(entry, amount)) * entry.rate / 100
    return f"{value:.2f}", "USD" if entry.currency != "USD" else "EUR"


_STRIPE: Final = {
    Item.PAYMENT: "charge", Item.REFUND: "refund", Item.FEE: "fee", Item.PAYOUT: "payout",
    Item.DISPUTE: "dispute",
    Item.ADJUSTMENT: "other_adjustment", Item.EXCHANGE: "currency_conversion",
}  # fmt: skip


def _stripe(day: Day) -> bytes:
    rows = [[
        "balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee",
        "net", "reporting_category", "source_id", "description", "customer_facing_amount",
        "customer_facing_currency", "charge_id", "payment_intent_id", "payment_metadata[order_id]",
    ]]  # fmt: skip
    for place, each in enumerate(day.entries):
        back = each.item in (Item.REFUND, Item.DISPUTE) and each.word != "refund_failure"
        signed = -each.amount if back else each.amount
        gross, currency = _settled(each, signed)
        fee = _settled(each, each.fee)[0]
        net = f"{Decimal(gross) - Decimal(fee):f}"
        rows.append([
            f"txn_{day.seed}_{place}", _wall(each.at, "UTC"), _wall(each.at, "UTC"),
            currency.lower(), gross, fee, net, each.word or _STRIPE[each.item],
            each.operation if each.item is not Item.PAYMENT else each.charge, 'a "b", c',
            _major(each, signed) if each.reference else "",
            each.currency.lower() if each.reference else "", each.charge, each.reference,
            each.order,
        ])  # fmt: skip
    return _csv(rows).encode()


_PAYPAL: Final = (
    "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type",
    "Transaction Event Code", "Transaction Initiation Date", "Transaction Completion Date",
    "Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency",
    "Fee Debit or Credit", "Fee Amount", "Fee Currency", "Transaction Status", "Custom Field",
)  # fmt: skip
_CODES: Final = {
    Item.PAYMENT: "T0006", Item.REFUND: "T1107", Item.FEE: "T0113", Item.PAYOUT: "T0400",
    Item.ADJUSTMENT: "T0300", Item.EXCHANGE: "T0200",
}  # fmt: skip


def _paypal(day: Day) -> bytes:
    def when(at: Micros) -> str:
        return f"{_at(at, day.zone):%Y/%m/%d %H:%M:%S %z}"

    rows: list[Sequence[str]] = [
        ["RH", when(day.until), "A", day.merchant, "011"], ["FH", "01"],
        ["SH", when(day.since), when(day.until), day.merchant, ""], ["CH", *_PAYPAL],
    ]  # fmt: skip
    sums: dict[tuple[str, str], int] = {}
    for each in day.entries:
        is_own = each.item is Item.PAYMENT
        way = "CR" if is_own else "DR"
        own = each.reference if is_own else each.operation
        other = "" if is_own else each.reference
        key = each.currency, way
        sums[key] = sums.get(key, 0) + abs(each.amount)
        rows.append([
            "SB", own, each.order, other, "TXN" if other else "", _CODES[each.item], when(each.at),
            when(each.at), way, str(abs(each.amount)), each.currency, "DR", str(each.fee),
            each.currency, {Standing.FAILED: "D", Standing.PENDING: "P"}.get(each.standing, "S"),
            "",
        ])  # fmt: skip
    rows += [
        ["SF", code, str(sums.get((code, "CR"), 0)), str(sums.get((code, "DR"), 0)), "0", "0"]
        for code in sorted({currency for currency, _ in sums})
    ]
    rows += [["SC", str(len(day.entries))], ["RF"], ["RC", "0"], ["FF", "01"]]
    return _csv(rows).encode()


_ADYEN: Final = {
    Item.PAYMENT: "Settled", Item.REFUND: "Refunded", Item.FEE: "Fee",
    Item.PAYOUT: "MerchantPayout", Item.ADJUSTMENT: "DepositCorrection",
    Item.EXCHANGE: "Balancetransfer",
}  # fmt: skip


def _adyen(day: Day) -> bytes:
    rows = [[
        "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference",
        "Payment Method", "Creation Date", "TimeZone", "Type", "Modification Reference",
        "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", "Net Currency",
        "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)", "Scheme Fees (NC)",
        "Interchange (NC)", "Batch Number",
    ]]  # fmt: skip
    for each in day.entries:
        gains = each.item is Item.PAYMENT or each.word == "refund_failure"
        money = _major(each, abs(each.amount))
        net, currency = _settled(each, abs(each.amount))
        fee = _settled(each, each.fee)[0]
        word = "RefundedReversed" if each.word == "refund_failure" else _ADYEN[each.item]
        rows.append([
            "Co", day.merchant, each.reference, each.order, "visa", _wall(each.at, day.zone),
            day.zone, word, each.operation, each.currency, "" if gains else money,
            money if gains else "", "1", currency, "" if gains else net, net if gains else "", fee,
            "", "", "", "12",
        ])  # fmt: skip
    return _csv(rows).encode()


_SHOPIFY: Final = {
    Item.PAYMENT: "charge", Item.REFUND: "refund", Item.FEE: "debit", Item.PAYOUT: "payout",
    Item.ADJUSTMENT: "adjustment", Item.EXCHANGE: "adjustment",
}  # fmt: skip


_SHOPIFY_COLUMNS: Final = (
    "Transaction Date", "Type", "Order", "Card Brand", "Card Source", "Payout Status",
    "Payout Date", "Payout ID", "Available On", "Amount", "Fee", "Net", "Checkout",
    "Payment Method Name", "Presentment Amount", "Presentment Currency", "Currency", "VAT",
)  # fmt: skip


def _shopify(day: Day) -> bytes:
    rows = [list(_SHOPIFY_COLUMNS)]
    for each in day.entries:
        signed = -each.amount if each.item is Item.REFUND else each.amount
        gross, currency = _settled(each, signed)
        fee = _settled(each, each.fee)[0]
        rows.append([
            f"{_at(each.at, day.zone):%Y-%m-%d %H:%M:%S %z}", _SHOPIFY[each.item], each.order,
            "visa", "online", "paid", day.date, "1", day.date, gross, fee, "0.00", "#c1", "card",
            _major(each, signed), each.currency, currency, "0.00",
        ])  # fmt: skip
    return _csv(rows).encode()


def _table(day: Day) -> bytes:
    rows: list[Sequence[str]] = [
        ("payment", "order", "kind", "operation", "amount", "currency", "at")
    ]
    rows += [
        (each.reference, each.order, each.item.name.lower(), each.operation, str(each.amount),
         each.currency, f"{_at(each.at, 'UTC').isoformat()}")
        for each in day.entries
    ]  # fmt: skip
    assert all(exponent(each.currency) >= 0 for each in day.entries)
    return _csv(rows).encode()


_WRITERS: Final[dict[str, Callable[[Day], bytes]]] = {
    "alipay": _alipay, "wechatpay": _wechatpay, "stripe": _stripe, "paypal": _paypal,
    "adyen": _adyen, "shopify": _shopify, "table": _table,
}  # fmt: skip

"""Small tables and mappings for the tests of this folder."""

import polars as pl

from voidtrail.event.account import Account
from voidtrail.sources.table.mapping import parse_mapping
from voidtrail.sources.table.rows import TableFile, translate_frame

ACCOUNT = Account(source="table", name="main", zone="Asia/Shanghai")
FILE = TableFile(name="orders.csv", digest="0123456789abcdef" * 4, received_at=7)

ISSUE = """
source = "table"
zone = "Asia/Shanghai"
currency = "CNY"
amount_unit = "major"
[columns]
order = "订单编号"
dimensions = ["收货地址"]
[[event]]
kind = "ORDER"
result = "SUCCEEDED"
at = "订单创建时间"
amount = "总金额"
[[event]]
kind = "CAPTURE"
result = "SUCCEEDED"
at = "订单付款时间"
amount = "总金额"
when = "\\"订单付款时间\\" IS NOT NULL"
[[event]]
kind = "REFUND"
result = "SUCCEEDED"
at = "订单付款时间"
amount = "退款金额"
when = "\\"退款金额\\" > 0"
"""
"""The mapping file of the issue, as users keep it."""

ROWS = {
    "订单编号": ["1", "2", "3"],
    "总金额": ["178.8", "21", "37.00"],
    "退款金额": ["0", "21.00", ""],
    "收货地址": ["上海", "内蒙古自治区", "安徽省"],
    "订单创建时间": ["2020-02-21 00:00:00", "2020/2/20 23:59", "2020年2月20日 23:59"],
    "订单付款时间": ["", "2020/2/21 0:00:02", ""],
}


def one_event(**fields):
    """A mapping of one event over the columns id, at, amount, changed by `fields`."""
    tables = {"currency": "EUR", "zone": "UTC", **fields}
    event = {"kind": "CAPTURE", "result": "SUCCEEDED", "at": "at", "amount": "amount"}
    event |= tables.pop("event", {})
    columns = {"order": "id", **tables.pop("columns", {})}
    lines = [f"{name} = {_toml(value)}" for name, value in tables.items()
             if not isinstance(value, dict)]  # fmt: skip
    lines.append("[columns]")
    lines += [f"{name} = {_toml(value)}" for name, value in columns.items() if value]
    for name, table in tables.items():
        if isinstance(table, dict):
            lines.append(f"[{name}]")
            lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
    lines.append("[[event]]")
    lines += [f"{name} = {_toml(value)}" for name, value in event.items() if value]
    return "\n".join(lines)


def _toml(value):
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def translated(columns, text, *, start=0):
    """Every delivery of a table with its events or its fault."""
    frame = columns if isinstance(columns, pl.DataFrame) else pl.DataFrame(columns)
    return list(translate_frame(frame, parse_mapping(text), FILE, ACCOUNT, start))


def said(columns, text):
    """What each unit of a table says, without its delivery."""
    return [events for _, events in translated(columns, text)]

"""What an analyst asks of the credit notes of UCI "Online Retail".

A credit note is an invoice whose number begins with C. Each of its lines is one of three things:
not goods (postage, fees, discounts, samples, manual corrections); goods linked to an earlier
purchase (same customer, same stock code, exactly the negated quantity, not later); or goods without
such a purchase (bought before the file begins, returned in part, or by a guest).

    python examples/uci_online_retail/credit_notes.py online_retail.parquet [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl

NOT_GOODS = (
    "POST", "DOT", "C2", "M", "m", "D", "S", "AMAZONFEE", "BANK CHARGES", "CRUK", "B",
)  # fmt: skip
"""Stock codes of postage, carriage, manual entries, discounts, samples, fees and corrections."""


def price(name: str = "UnitPrice") -> pl.Expr:
    """Return prices as exact decimals, by the shortest text of each float."""
    return pl.col(name).cast(pl.String).cast(pl.Decimal(38, 4))


def figures(lines: pl.DataFrame) -> dict[str, object]:
    """Return the figures of the credit notes.

    Args:
        lines: the line items, as the file has them.
    """
    numbered = lines.with_row_index("row").with_columns(
        is_credit=pl.col("InvoiceNo").str.starts_with("C"),
        value=price() * -pl.col("Quantity").cast(pl.Decimal(38, 0)),
    )
    credit = numbered.filter("is_credit").with_columns(
        is_goods=~pl.col("StockCode").is_in(NOT_GOODS)
        & ~pl.col("StockCode").str.starts_with("gift_")
    )
    bought = numbered.filter(~pl.col("is_credit"), pl.col("CustomerID").is_not_null()).select(
        "CustomerID", "StockCode", (-pl.col("Quantity")).alias("Quantity"),
        pl.col("InvoiceDate").alias("bought_at"),
    )  # fmt: skip
    met = (
        credit.join(bought, on=["CustomerID", "StockCode", "Quantity"], how="inner")
        .filter(pl.col("bought_at") <= pl.col("InvoiceDate"))
        .group_by("row").agg(pl.col("bought_at").max())
    )  # fmt: skip
    credit = credit.join(met, on="row", how="left").with_columns(
        is_linked=pl.col("bought_at").is_not_null(),
        lag_h=(pl.col("InvoiceDate") - pl.col("bought_at")).dt.total_seconds() / 3600,
    )
    known = credit.filter(pl.col("CustomerID").is_not_null())
    notes = credit["InvoiceNo"].n_unique()
    originals = numbered.filter(~pl.col("is_credit"))["InvoiceNo"].n_unique()
    goods = pl.col("is_goods")
    linked = pl.col("is_linked")
    return {
        "credit_notes": notes,
        "originals": originals,
        "rate": {
            "value": round(notes / originals, 6),
            "numerator": "credit notes (invoices beginning with C)",
            "denominator": f"the {originals} invoices that are no credit notes",
        },
        "lines": {
            "all": _part(credit, pl.lit(True)),
            "goods_linked": _part(credit, goods & linked),
            "goods_unlinked": _part(credit, goods & ~linked),
            "not_goods": _part(credit, ~goods),
        },
        "not_goods_by_code": {
            code: {"lines": count, "value_gbp": f"{value:.2f}"}
            for code, count, value in credit.filter(~goods)
            .group_by("StockCode").agg(pl.len().alias("n"), pl.col("value").sum())
            .sort(["n", "StockCode"], descending=[True, False]).iter_rows()
        },
        "with_customer": {
            "lines": known.height,
            "linked": known.filter(linked).height,
            "share_linked": round(known.filter(linked).height / known.height, 4),
            "median_lag_h": known.filter(linked)["lag_h"].median(),
            "denominator": "lines of credit notes with a customer, goods or not",
        },
    }  # fmt: skip


def _part(credit: pl.DataFrame, where: pl.Expr) -> dict[str, object]:
    chosen = credit.filter(where)
    value = chosen["value"].sum()
    return {
        "lines": chosen.height,
        "notes": chosen["InvoiceNo"].n_unique(),
        "value_gbp": f"{Decimal(value or 0):.2f}",
    }


def shown(found: dict[str, object]) -> str:
    """Return the figures as lines for people."""
    lines = []
    for name, value in found.items():
        lines.append(f"{name}: {value if not isinstance(value, dict) else ''}".rstrip())
        if isinstance(value, dict):
            lines += [f"    {key}: {part}" for key, part in value.items()]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Read the file and write its figures."""
    parser = argparse.ArgumentParser(description="Credit notes of UCI Online Retail.")
    parser.add_argument("file", type=Path, help="online_retail.parquet")
    parser.add_argument("--json", action="store_true", help="for machines")
    given = parser.parse_args(arguments)
    found = figures(pl.read_parquet(given.file))
    sys.stdout.write((json.dumps(found, indent=2) if given.json else shown(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

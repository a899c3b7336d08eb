"""Write docs/reference/recognition*.md: `python -m tests.contract.recognition_page`.

They are written from the tables. The verdicts' words are those of the catalogues, so that the
pages speak as the console does.
"""

import re
from typing import NamedTuple

from babel.messages.pofile import read_po

from tests.contract import cells
from tests.messages import SRC
from tests.tidy.source import ROOT
from voidtrail.sources.registry import SOURCES

PAGES = {"en": "docs/reference/recognition.md", "zh_CN": "docs/reference/recognition.zh-CN.md"}


class Words(NamedTuple):
    """What a language calls things."""

    title: str
    intro: str
    matrix: str
    head: str
    columns: tuple[str, ...]
    situations: dict[str, str]
    link: str
    apart: str


WORDS = {
    "en": Words(
        "What is recognised",
        "[中文](recognition.zh-CN.md)\n\n"
        "How each platform says that a payment was called off, and what Voidtrail makes of it. "
        "Every line is a test: the\nplatform's words are translated, folded and judged, and must "
        "give the verdict shown (`tests/contract/recognition/`; this page\nis written from there). "
        "A dash means that the platform never says such a thing; why stands below.",
        "All platforms", "platform",
        ("situation", "what the platform says", "verdict", "who", "money"),
        {"customer": "customer", "merchant": "merchant", "platform": "platform",
         "expired": "expired", "declined": "declined", "returned": "returned",
         "disputed": "disputed", "refused": "refused cancellation"},
        "*", "; ",
    ),
    "zh_CN": Words(
        "识别对照表",
        "[English](recognition.md)\n\n"
        "各平台如何表示一笔支付被取消，Voidtrail 又如何认定。每一行都是一个测试："
        "平台的原始报文经过解析、归并、判定，\n"
        "结果必须与表中一致（见 `tests/contract/recognition/`，本页由其生成）。"
        "短横表示该平台从不发出这类消息，原因见下文各节。\n“平台如何表示”一栏保留英文。",
        "全部平台", "平台",
        ("情形", "平台如何表示", "判定", "由谁", "资金"),
        {"customer": "顾客", "merchant": "商户", "platform": "平台", "expired": "超时",
         "declined": "被拒", "returned": "退回", "disputed": "争议", "refused": "取消被拒"},
        "*", "；",
    ),
}  # fmt: skip


def labels(language):
    """The catalogue's words of an enumeration's members, by (context, word)."""
    path = SRC / "locales" / language / "LC_MESSAGES" / "voidtrail.po"
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    return {(each.context, each.id): each.string for each in found if each.context}


def title_of(name):
    """A platform's own name."""
    return SOURCES[name].CAPABILITIES.title if name in SOURCES else name.title()


def summary(expected, label):
    """A verdict in few words: how it was called off, else where it stands."""
    how = label["how", expected.how]
    if expected.state == "cancelled" and expected.how != "none":
        return how
    money = label["money", expected.money]
    state = label["state", expected.state]
    return state if expected.money == "none" else f"{state} ({money})"


def rendered(language):
    """The page in a language."""
    words, label, tables = WORDS[language], labels(language), cells.tables()
    head = [words.head, *words.situations.values()]
    lines = [f"# {words.title}", "", words.intro, "", f"## {words.matrix}", "", _row(head),
             _row("---" for _ in head)]  # fmt: skip
    for name, table in tables.items():
        told = [
            words.apart.join(dict.fromkeys(
                summary(cell.expect, label) for cell in table.cell
                if cell.situation == each and cell.expect
            )) or "–"
            for each in cells.SITUATIONS
        ]  # fmt: skip
        lines.append(_row([f"[{title_of(name)}](#{_anchor(title_of(name))})", *told]))
    for name, table in tables.items():
        lines += ["", f"## {title_of(name)}", "", _row(words.columns),
                  _row("---" for _ in words.columns)]  # fmt: skip
        for situation in cells.SITUATIONS:
            for cell in table.cell:
                if cell.situation == situation:
                    lines.append(_line(cell, words, label))
    return "\n".join(lines) + "\n"


def _line(cell, words, label):
    situation = words.situations[cell.situation]
    if cell.empty:
        return _row([situation, _text(cell.empty), "–", "–", "–"])
    told = cell.expect
    who = label["actor", told.actor] if told.actor != "unknown" else "–"
    return _row([situation, _text(cell.says), summary(told, label), who,
                 label["money", told.money]])  # fmt: skip


def _row(texts):
    return "| " + " | ".join(texts) + " |"


def _text(text):
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def main():
    """Write the pages."""
    for language, name in PAGES.items():
        (ROOT / name).write_text(rendered(language), encoding="utf-8")


if __name__ == "__main__":
    main()

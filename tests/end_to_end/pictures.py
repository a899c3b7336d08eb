"""The pictures of the tutorial, taken from a real server: `make pictures` takes them anew.

The day is played by the same seed each time; only its date moves on, for what can still be saved is
never older than three days.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.conftest import ROOT
from tests.end_to_end.console_house import Console, browser

FOLDER = ROOT / "docs" / "tutorial" / "pictures"
LANGUAGES = {"": "en-US", ".zh-CN": "zh-CN"}
ORDERS = 600
WIDTH = 1180
SETTLE_MS = 400
"""Charts are drawn by then."""
TO_THE_TOP = """place => {
    const bar = document.querySelector(".top");
    const covered = getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0;
    scrollTo(0, place.getBoundingClientRect().top + scrollY - covered - 24);
}"""


class Picture(NamedTuple):
    """One picture, taken in each language.

    Attributes:
        name: of the file, before its language.
        path: what is opened; may name parts that `places` knows.
        height: of what is seen.
        steps: what is clicked before, one after the other.
        top: what stands at the picture's upper edge; "" for the top of the page.
    """

    name: str
    path: str
    height: int
    steps: tuple[str, ...] = ()
    top: str = ""
    theme: str = "light"
    width: int = WIDTH


PICTURES = (
    Picture("overview", "/overview?{day}", 860),
    Picture("to-save", "/payments?saveable=1&order=largest", 700, top="tbody", width=390),
    Picture("payment", "/overview?{day}", 800,
            ("section[aria-labelledby=risk] .feed a", "a.jump"), "header.verdict"),
    Picture("order", "/find?query={reference}", 720, theme="dark"),
    Picture("alerts", "/alerts?{day}&try=1", 600, top="#routes"),
    Picture("report", "/report?{day}", 900),
)  # fmt: skip


def places(console):
    """What the paths of the pictures name: the day, and a reference of an order paid at last."""
    ((reference,),) = console.rows(
        "SELECT substr(max(n.text), 18) FROM payment p JOIN name n ON n.payment_id = p.payment_id "
        "WHERE n.text LIKE 'stripe/northlight/pi_%' AND p.order_id IS NOT NULL "
        "GROUP BY p.order_id HAVING count(DISTINCT p.payment_id) > 1 ORDER BY min(n.no) LIMIT 1"
    )
    return {"day": console.period, "reference": reference.strip("/")}


def take(chromium, console, folder):
    """Take every picture; yield the files."""
    context = chromium.new_context()
    context.new_page().goto(console.link())
    signed_in = context.storage_state()
    named = places(console)
    for each in PICTURES:
        for name, language in LANGUAGES.items():
            context = chromium.new_context(
                storage_state=signed_in, locale=language, color_scheme=each.theme,
                viewport={"width": each.width, "height": each.height},
                timezone_id="Asia/Shanghai", reduced_motion="reduce",
            )  # fmt: skip
            page = context.new_page()
            page.goto(console.address + each.path.format(**named))
            for step in each.steps:
                page.locator(step).first.click()
                page.wait_for_load_state()
            page.wait_for_timeout(SETTLE_MS)
            if each.top:
                page.locator(each.top).first.evaluate(TO_THE_TOP)
            file = folder / f"{each.name}{name}.png"
            page.screenshot(path=file)
            context.close()
            yield file


def main(folder=FOLDER):
    """Play the day, and write its pictures into a folder in place of those that were there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with (TemporaryDirectory() as house, Console(Path(house), ORDERS) as console,
          browser() as chromium):  # fmt: skip
        for file in take(chromium, console, folder):
            sys.stdout.write(f"{file.stat().st_size // 1024:5} kB  {file.name}\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

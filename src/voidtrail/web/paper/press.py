"""A page of HTML on standard input becomes a PDF on standard output: the press, as a process.

The Chinese font that comes with the package is used where the machine has none of its own; only the
glyphs that are used are embedded. Nothing is fetched: a page that asks for something gets nothing.
"""

from __future__ import annotations

import sys
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

CANNOT: Final = 3
"""The exit code where the machine lacks something that the message names."""
_LIBRARIES: Final = (
    "making a PDF needs Pango, a library of the system: on Debian and Ubuntu "
    "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, on macOS brew install "
    "pango; or use --html and print it from a browser"
)
NO_FONT: Final = (
    "no font here can write Chinese: on Debian and Ubuntu apt install fonts-noto-cjk, or run "
    "scripts/assets in a source checkout; or use --html and print it from a browser"
)
_FACE: Final = (
    '@font-face {{ font-family: "Noto Sans SC"; font-weight: {weight}; src: url("{address}"); }}'
)
_WEIGHTS: Final = {400: "NotoSansSC-Regular.otf", 700: "NotoSansSC-Bold.otf"}


def fonts() -> Traversable:
    """Return the folder of the fonts that come with the package; it may be absent."""
    return resources.files("voidtrail") / "web" / "static" / "vendor" / "fonts"


def press(html: str) -> bytes:
    """Return a page as a PDF.

    Raises:
        RuntimeError: this machine lacks a library or a font; the message says which.
    """
    try:
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration
        from weasyprint.urls import URLFetcher
    except OSError as error:
        raise RuntimeError(_LIBRARIES) from error

    class OurFonts(URLFetcher):  # type: ignore[misc]
        """Lets a page have the package's own fonts and nothing else."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if not url.startswith(f"file://{fonts()}/"):
                raise ValueError("a report fetches nothing")
            return super().fetch(url, headers)

    faces = [
        _FACE.format(weight=weight, address=f"file://{fonts() / name}")
        for weight, name in _WEIGHTS.items() if (fonts() / name).is_file()
    ]  # fmt: skip
    chosen, fetcher = FontConfiguration(), OurFonts(allowed_protocols=("file",))
    sheet = weasyprint.CSS(string="\n".join(faces), font_config=chosen, url_fetcher=fetcher)
    document = weasyprint.HTML(string=html, url_fetcher=fetcher).render(
        stylesheets=[sheet], font_config=chosen
    )
    pdf: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
    if any(_is_han(point) for font in document.fonts.values() for point in font.missing):
        raise RuntimeError(NO_FONT)
    return pdf


def _is_han(point: int) -> bool:
    return 0x3400 <= point <= 0x9FFF


def main() -> int:
    """Read, set, write."""
    try:
        pdf = press(sys.stdin.buffer.read().decode("utf-8"))
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

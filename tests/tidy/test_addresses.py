"""The repository names no package registry and no machine on which somebody worked."""

import re

from tests.tidy.source import ROOT, listing, text_of, tracked_files

# Put together here so that this file does not name what it forbids.
REGISTRIES = (
    r"pypi\." "org",
    r"python" r"hosted\.org",
    r"registry\.npm" "js",
    r"registry\.yarn" r"pkg",
    r"deb\.debian\." "org",
    r"proxy\.go" r"lang\.org",
    r"crates\." "io",
)
MACHINE_PATHS = (r"(?<![\w.<-])/(?:root|work)/", r"(?<![\w.-])/[U]sers/", r"/opt/(?:[p]ypi|wheels)")
FORBIDDEN = re.compile("|".join(REGISTRIES + MACHINE_PATHS))


def test_no_registry_and_no_machine_is_named():
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tracked_files()
        if (text := text_of(path)) is not None and FORBIDDEN.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert not named, (
        "Which index and which folder are used is the business of each machine's own settings: "
        "write package names and paths relative to the repository.\n" + listing(named)
    )

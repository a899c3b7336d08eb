"""Assets are found by name and addressed by content."""

from voidtrail.web.console.assets import assets, static


def test_our_own_assets_are_there_and_hidden_files_are_not():
    assert {"tokens.css", "shell.css", "parts.css", "pages.css", "console.js", "chart.js"} <= set(
        assets()
    )
    assert not [name for name in assets() if name.rpartition("/")[2].startswith(".")]


def test_an_address_changes_with_the_content_and_is_empty_without_it():
    assert static("tokens.css") == f"/static/tokens.css?{assets()['tokens.css'].digest}"
    assert static("no-such-thing.js") == ""


def test_no_style_sheet_or_script_of_ours_asks_for_what_the_policy_forbids():
    for name, asset in assets().items():
        if not name.startswith("vendor/"):
            text = asset.plain.decode()
            assert "@import" not in text, name
            assert "http://" not in text.replace("http://www.w3.org/2000/svg", ""), name
            for word in ("eval(", "new Function", "document.write", "setAttribute('style"):
                assert word not in text, name

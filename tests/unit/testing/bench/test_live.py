"""The live feed measured small, on a real server with real listeners."""

from voidtrail.testing.bench.live import Audience, run_live


def test_every_listener_is_told_every_row_and_the_one_cut_off_misses_none(tmp_path):
    told: list[str] = []
    (heard,) = run_live(tmp_path, told.append, (Audience(5, 20, 3.0, 3, 0.5),)).heard
    assert told == ["5 listeners, 20 notifications a second"]
    assert (heard.sent, heard.lost, heard.broken) == (60, 0, 0)
    assert (heard.cut_missing, heard.cut_twice) == (0, 0)
    assert 0 < heard.late_s[0] <= heard.late_s[1] <= heard.late_s[2] < 60
    assert heard.server_cpu_share > 0
    assert heard.server_peak_rss_bytes > 10_000_000
    assert list(tmp_path.iterdir()) == []

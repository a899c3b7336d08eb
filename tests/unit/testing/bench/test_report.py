from voidtrail.testing.bench.intake import IntakeResult, Plan
from voidtrail.testing.bench.load import Load
from voidtrail.testing.bench.machine import Machine
from voidtrail.testing.bench.report import as_data


def _load(requests, cpu_s, client_share=0.2):
    return Load(requests, 0, 0, 1.0, 0.001, 0.002, client_share, cpu_s, 50_000_000)


def _result(loads):
    return IntakeResult(Machine(2, 0.0002, 2e-6, 0.1, "Linux", "3.11"), Plan(rounds=3), loads)


def test_ratio_is_of_medians_and_above_one_when_the_first_is_better():
    result = _result(
        {
            ("ours", "stripe", 1): [_load(800, 0.1), _load(1000, 0.1), _load(9000, 0.1)],
            ("theirs", "stripe", 1): [_load(10, 0.1), _load(50, 0.5), _load(90, 0.9)],
        }
    )
    (ratio,) = as_data(result)["ratios"]
    assert ratio["per_s"] == 20
    assert ratio["per_server_cpu_s"] == 100

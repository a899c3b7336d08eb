from voidtrail.testing.bench.machine import flush_latency_s, this_machine


def test_flush_latency_is_measured_and_leaves_nothing_behind(tmp_path):
    assert 0 < flush_latency_s(tmp_path, samples=3) < 10
    assert list(tmp_path.iterdir()) == []


def test_machine_names_its_cores_and_disk(tmp_path):
    machine = this_machine(tmp_path)
    assert machine.cores >= 1
    assert machine.flush_s > 0

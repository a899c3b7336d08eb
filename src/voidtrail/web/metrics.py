"""Metrics for Prometheus; counted where things happen, read when somebody scrapes."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from voidtrail.runtime.endpoints.standing import Standings
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.sending import Post
from voidtrail.runtime.worker import Worker

_INTAKE = {
    "deliveries": "Deliveries made durable.",
    "events": "Events that were new.",
    "duplicates": "Events that were known already.",
    "unreadable": "Deliveries put into quarantine.",
    "conflicts": "Deliveries that contradict an earlier variant of the same notice.",
    "groups": "Transactions of intake.",
}
_WORKER = {
    "ticks": "Times the ledger's clock was set.",
    "judged": "Overdue payments judged.",
    "asked": "Questions put to platforms.",
    "answered": "Questions that were answered and believed.",
    "unanswered": "Payments whose platform did not answer at all.",
    "notices": "Changes of verdicts taken from the outbox.",
}


_TERMINALS = ("connections", "refused", "messages", "ignored", "noise", "late")
_LOGS = ("lines", "statements", "observed", "cut", "gaps")


class _Counts(Collector):
    """Reads the house's counters."""

    def __init__(
        self, intake: Intake, refusals: Refusals, worker: Worker | None, post: Post | None
    ) -> None:
        self._intake = intake
        self._refusals = refusals
        self._worker = worker
        self._post = post

    def collect(self) -> Iterable[Metric]:
        """Yield every metric."""
        for name, text in _INTAKE.items():
            yield CounterMetricFamily(f"voidtrail_{name}", text, self._intake.counts[name])
        yield _by_what("terminals", "What came from card terminals.", _TERMINALS, self._intake)
        yield _by_what("logs", "What was read of logs.", _LOGS, self._intake)
        if self._worker is not None:
            for name, text in _WORKER.items():
                yield CounterMetricFamily(f"voidtrail_{name}", text, self._worker.counts[name])
            circuit = GaugeMetricFamily(
                "voidtrail_circuit_open", "1 if a platform is left alone since it does not answer.",
                labels=["account"],
            )  # fmt: skip
            for identity, is_open in self._worker.circuits().items():
                circuit.add_metric([identity], int(is_open))
            yield circuit
            yield GaugeMetricFamily(
                "voidtrail_late_successes",
                "Successes after a cancellation that wait for a person.",
                self._worker.late_successes(),
            )  # fmt: skip
        if self._post is not None:
            yield from _sending(self._post)
        refused = CounterMetricFamily(
            "voidtrail_refused", "Deliveries whose sender could not be proved.",
            labels=["account", "code"],
        )  # fmt: skip
        for (account, code), count in self._refusals.total.items():
            refused.add_metric([account, code], count)
        yield refused
        yield GaugeMetricFamily(
            "voidtrail_ledger_stopped", "1 if the ledger has stopped writing.",
            int(self._intake.stopped is not None),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "voidtrail_ledger_entries", "Entries of the ledger.",
            self._intake.ledger.head().entries,
        )  # fmt: skip


def _by_what(name: str, text: str, words: Iterable[str], intake: Intake) -> Metric:
    family = CounterMetricFamily(f"voidtrail_{name}", text, labels=["what"])
    for word in words:
        family.add_metric([word], intake.counts[word])
    return family


def _sending(post: Post) -> Iterable[Metric]:
    """Yield how messages fare on their way out."""
    carried = CounterMetricFamily(
        "voidtrail_carried", "Messages carried, by what came of it.", labels=["kind", "outcome"],
    )  # fmt: skip
    for name, count in post.counts.items():
        carried.add_metric(name.rsplit("_", 1), count)
    yield carried
    waiting = GaugeMetricFamily(
        "voidtrail_messages_waiting", "Messages on their way out.", labels=["kind", "target"],
    )  # fmt: skip
    dead = GaugeMetricFamily(
        "voidtrail_dead_letters", "Messages that were given up.", labels=["kind", "target"],
    )  # fmt: skip
    for each in post.load():
        waiting.add_metric([each.kind, each.target], each.waiting)
        dead.add_metric([each.kind, each.target], each.dead)
    yield from (waiting, dead)
    disabled = GaugeMetricFamily(
        "voidtrail_endpoint_disabled", "1 if nothing is sent to an endpoint any more.",
        labels=["endpoint"],
    )  # fmt: skip
    names = [each.name for each in post.house.settings.endpoint]
    for name, is_disabled in Standings(post.house.ledger).disabled(names).items():
        disabled.add_metric([name], int(is_disabled))
    yield disabled


def exposition(
    intake: Intake, refusals: Refusals, worker: Worker | None, post: Post | None = None
) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counts(intake, refusals, worker, post))
    return generate_latest(registry)

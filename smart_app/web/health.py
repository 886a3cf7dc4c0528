"""For whoever watches: are we alive, could we do our work now, and how things stand in numbers.

`/healthz` says that this process answers. `/readyz` says whether it could serve a person: 503 names each part that it
could not do without. `/metrics` is Prometheus text; labels are sites, statuses, routes and actions, never a person.
"""

from __future__ import annotations

import hmac
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from werkzeug.exceptions import NotFound

from smart_app.ports import Ports
from smart_app.store import StoreError
from smart_app.web.sessions import ports

blueprint = Blueprint("health", __name__)
GONE_AFTER = timedelta(seconds=60)
LEAST_FREE = 500_000_000  # bytes on the disk where files are staged
FASTEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
EXTENSION = "second-opinion-metrics"


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers. A watcher restarts it when it does not, so nothing else is asked here."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Each part, and whether all of them are there."""
    parts = dict(_parts(ports()))
    ready = all(said == "ok" for name, said in parts.items() if name != "worker")
    return jsonify(status="ready" if ready else "not ready", parts=parts), 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """The numbers, for those who hold the token."""
    settings = ports().settings
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.metrics_token:
        if not hmac.compare_digest(shown.encode(), settings.metrics_token.encode()):
            raise NotFound
    elif not settings.practice:
        raise NotFound
    registry = CollectorRegistry()
    registry.register(_Standing(ports()))
    return Response(generate_latest(registry) + generate_latest(_requests().registry), content_type=CONTENT_TYPE_LATEST)


def _parts(own: Ports) -> Iterator[tuple[str, str]]:
    """(part, "ok" or what is wrong). The worker is told and does not decide: people can still read and write."""
    try:
        own.store.must_be_current()
        yield "store", "ok"
        with own.store.reading() as tx:
            seen = tx.figures.pulses()
        alive = [at for at in seen.values() if own.now() - at < GONE_AFTER]
        yield "worker", "ok" if alive else "no worker was seen in the last minute: what is owed waits"
    except StoreError as problem:
        yield "store", f"the database does not answer as it should ({type(problem).__name__})"
    for name, folder in (("staging", own.staging), ("data", own.settings.data)):
        place = folder if folder.exists() else folder.parent
        yield name, "ok" if os.access(place, os.W_OK) else "cannot be written"
    free = shutil.disk_usage(own.settings.data).free
    yield "disk", "ok" if free > LEAST_FREE else f"only {free // 1_000_000} MB free"


class _Standing(Collector):
    """Read from the store at each scrape."""

    def __init__(self, own: Ports) -> None:
        self._ports = own

    def collect(self) -> Iterable[Metric]:
        """Gauges of what is kept and owed."""
        with self._ports.store.reading() as tx:
            cases, owed, strays = tx.figures.referrals(), tx.figures.owed(), tx.figures.strays()
            oldest = {state: tx.figures.oldest(state) for state in ("owed", "parked")}
            seen = tx.figures.pulses()
        now = self._ports.now()
        gauge = GaugeMetricFamily("second_opinion_referrals", "Referrals by status", labels=["site", "status"])
        for labels, count in cases.items():
            gauge.add_metric(labels, count)
        yield gauge
        gauge = GaugeMetricFamily("second_opinion_outbox_rows", "Acts owed or parked", labels=["action", "state"])
        for labels, count in owed.items():
            gauge.add_metric(labels, count)
        yield gauge
        gauge = GaugeMetricFamily("second_opinion_outbox_oldest_seconds", "Age of the oldest act", labels=["state"])
        for state, since in oldest.items():
            gauge.add_metric([state], (now - since).total_seconds() if since else 0)
        yield gauge
        yield GaugeMetricFamily("second_opinion_strays", "Reports that were not taken and wait", value=strays)
        gauge = GaugeMetricFamily("second_opinion_worker_seen_seconds", "Since a worker was seen", labels=["worker"])
        for worker, at in seen.items():
            gauge.add_metric([worker], (now - at).total_seconds())
        yield gauge


class _Requests:
    """Counted in this process, as long as it lives."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "second_opinion_answers", "Answers", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "second_opinion_answer_seconds", "Time to answer", ["route"], buckets=FASTEST, registry=self.registry
        )


def _requests() -> _Requests:
    found: _Requests = current_app.extensions[EXTENSION]
    return found


def _count(answer: Response) -> Response:
    if request.endpoint != "static":
        route = request.url_rule.rule if request.url_rule is not None else "(no such route)"
        _requests().answers.labels(request.method, route, str(answer.status_code)).inc()
        _requests().seconds.labels(route).observe(time.monotonic() - g.get("begun", time.monotonic()))
    return answer


def install(app: Flask) -> None:
    """Count every answer of this application."""
    app.extensions[EXTENSION] = _Requests()
    app.after_request(_count)

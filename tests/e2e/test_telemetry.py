"""What the controller tells machines and remembers: metrics, history, events, dry runs."""

from __future__ import annotations

import time

import pytest
from lab.api import ApiError, quote, wait_until
from lab.capture import total
from lab.lab import CONTROLLER, Lab
from lab.scenario import arrivals, capture_arrivals, lasting, open_link
from lab.traffic import UdpSender
from prometheus_client.openmetrics import parser


def _metrics(fleet: Lab) -> dict[tuple[str, str], float]:
    """By name and link, node or scope; the parser refuses what is no OpenMetrics."""
    samples = {}
    for family in parser.text_string_to_metric_families(fleet.api.fetch("GET", "/metrics")):
        for sample in family.samples:
            label = next((sample.labels[key] for key in ("link", "node", "scope")
                          if key in sample.labels), "")
            samples[sample.name, label] = sample.value
    return samples


def test_metrics_agree_with_what_arrived(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "50Mbit", "1GB", lease=lasting(20))
    wait_until("both ends' reports", lambda: all(
        (f"sluice_link_{end}_bytes_total", "a1>b1") in _metrics(fleet)
        for end in ("sent", "received")), 5)
    before = _metrics(fleet)
    assert before["sluice_link_open", "a1>b1"] == 1
    assert before["sluice_node_online", "a1"] == 1
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500, count=500):
        time.sleep(1.5)
    arrived = total(arrivals(got, a1)).bytes
    assert arrived

    def counted(name: str) -> float:
        now = _metrics(fleet)
        return now[name, "a1>b1"] - before[name, "a1>b1"]

    wait_until("the sender's report", lambda: (
        counted("sluice_link_sent_bytes_total") == arrived), 5)
    wait_until("the receiver's report", lambda: (
        counted("sluice_link_received_bytes_total") == arrived), 5)
    assert _metrics(fleet)["sluice_quota_used_bytes", "a1>b1"] >= arrived


def test_metrics_need_the_token(fleet: Lab) -> None:
    path = fleet.api._token_file
    fleet.api._token_file = path.with_name("wrong")
    fleet.api._token_file.write_text("0" * 64, encoding="ascii")
    try:
        with pytest.raises(ApiError) as error:
            fleet.api.fetch("GET", "/metrics")
    finally:
        fleet.api._token_file.unlink()
        fleet.api._token_file = path
    assert error.value.status == 401


def test_the_last_minutes_are_remembered(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "50Mbit", "1GB", lease=lasting(20))
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    with UdpSender(a1, b1.v4, pps=1000, count=4000):
        time.sleep(4)

    def sent() -> list[float]:
        history = fleet.api.call("GET", f"/api/v1/links/{quote('a1>b1')}/history")
        assert [series["step_s"] for series in history["series"]] == [1, 15, 300]
        return [point[0] for point in history["series"][0]["points"] if point and point[0]]

    wait_until("the rate in the history", lambda: len(sent()) >= 2, 5)
    size = 8 * 1000 * 128  # bit/s, were each packet as small as it can be
    assert max(sent()) > size / 2


def test_events_outlive_the_controller(fleet: Lab) -> None:
    last = fleet.api.events(limit=1)[0]["id"]
    open_link(fleet, "a1", "b1", "10Mbit", "1GB", lease=lasting(20))
    revocation = fleet.api.revoke_scope("node:a1", "a drill")
    try:
        _see_the_drill(fleet, revocation, last)
    finally:
        fleet.api.call("POST", f"/api/v1/scopes/{quote('node:a1')}/restore", {})


def _see_the_drill(fleet: Lab, revocation: int, last: int) -> None:
    wait_until("silence", lambda: any(
        r["id"] == revocation and r["silent"]
        for r in fleet.api.call("GET", "/api/v1/revocations")["revocations"]), 10)
    fleet.processes.stop(CONTROLLER)
    fleet.start_controller()
    fleet.wait_online()
    news = [e for e in fleet.api.events(subject="node:a1") if e["id"] > last]
    kinds = [event["kind"] for event in reversed(news)]
    for kind in ("quota_set", "revoked", "silent", "node_connected"):
        assert kind in kinds, kinds
    assert kinds.index("revoked") < kinds.index("silent")
    assert next(e for e in news if e["kind"] == "revoked")["text"] == "a drill"


def test_a_dry_run_says_what_happens_and_does_nothing(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "50Mbit", "1GB", lease=lasting(20))
    before = fleet.api.quotas()
    lower = {"rate": "1Mbit", "volume": "1GB", "per": "lifetime", "lease": "20s"}
    path = f"/api/v1/quotas/{quote('a1>b1')}"
    change = fleet.api.call("PUT", f"{path}?dry_run=1", lower)
    assert [(c["link"], c["change"]) for c in change["links"]] == [("a1>b1", "recalled")]
    assert change["before"]["rate_bps"] == 50_000_000 and change["quota"]["rate_bps"] == 1_000_000
    stop = fleet.api.call("POST", f"/api/v1/scopes/{quote('enclosure:west')}/revoke?dry_run=1", {})
    assert [c["link"] for c in stop["links"] if c["change"] == "closes"] == ["a1>b1"]
    assert fleet.api.call("DELETE", f"{path}?dry_run=1")["links"][0]["change"] == "closes"
    with pytest.raises(ApiError) as error:
        fleet.api.call("PUT", f"{path}?dry_run=1", {**lower, "rate": "fast"})
    assert error.value.field == "rate"
    assert fleet.api.quotas().keys() == before.keys()
    assert fleet.api.link("a1>b1")["state"] == "open"
    assert fleet.api.link("a1>b1")["leased_rate_bps"] == 50_000_000

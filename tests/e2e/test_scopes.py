"""Quotas of scopes around links: what all links in them carry together is bounded."""

from __future__ import annotations

import time

import pytest
from lab.api import wait_until
from lab.capture import total
from lab.errors import LabError
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import arrivals, capture_arrivals, open_link
from lab.traffic import UdpSender

SLICE = 16 << 10  # what a link may hold and not use
LINKS = (("a1", "b1"), ("a1", "b2"), ("a2", "b1"))


def _send_all(fleet: Lab, scope: str, volume: int, seconds: float, crash: bool = False) -> int:
    """Bytes that arrived over all links, each driven far beyond the scope's volume."""
    receivers = {name: capture_arrivals(fleet.node(name)) for name in ("b1", "b2")}
    senders = [UdpSender(fleet.node(src), fleet.node(dst).v4, pps=1000, ip_bytes=1400)
               for src, dst in LINKS]
    for part in (*receivers.values(), *senders):
        part.start()
    if crash:
        for daemon in (CONTROLLER, agent_name("a1")):
            time.sleep(0.3)
            fleet.processes.kill(daemon)
        fleet.start_controller()
        fleet.restart_agent("a1")
    time.sleep(seconds)
    for part in (*senders, *receivers.values()):
        part.stop()
    return sum(total(arrivals(receivers[dst], fleet.node(src))).bytes for src, dst in LINKS)


@pytest.mark.parametrize("scope", ["fleet", "enclosure:east"])
@pytest.mark.parametrize("crash", [False, True], ids=["calm", "crash"])
def test_links_share_a_volume(fleet: Lab, scope: str, crash: bool) -> None:
    volume = 2_000_000
    fleet.api.call("PUT", f"/api/v1/quotas/{scope}", {"volume": volume})
    for src, dst in LINKS:
        open_link(fleet, src, dst, "20Mbit", "100MB", lease="2s")
    arrived = _send_all(fleet, scope, volume, 8, crash)
    assert arrived <= volume
    # Unreported counts as spent: a crash may cost what was out.
    assert arrived >= (0.5 if crash else 1) * (volume - len(LINKS) * SLICE)
    if not crash:
        wait_until("the links to be exhausted",
                   lambda: fleet.api.link("a1>b1")["state"] == "exhausted", 5)
        assert scope in fleet.api.link("a1>b1")["why"]


def test_an_enclosure_counts_what_leaves_it(fleet: Lab) -> None:
    fleet.api.call("PUT", "/api/v1/quotas/enclosure:east", {"volume": 1_000_000})
    open_link(fleet, "a1", "a2", "20Mbit", "100MB")
    a1, a2 = fleet.node("a1"), fleet.node("a2")
    with capture_arrivals(a2) as got, UdpSender(a1, a2.v4, pps=1000, ip_bytes=1400,
                                                count=1500) as sender:
        sender.wait()
        time.sleep(0.5)
    assert total(arrivals(got, a1)).packets == 1500
    assert fleet.api.quotas()["enclosure:east"]["volume_used_bytes"] == 0


def test_rates_add_up_to_the_scopes(fleet: Lab) -> None:
    fleet.api.call("PUT", "/api/v1/quotas/node:a1", {"rate": "12Mbit"})
    for dst in ("b1", "b2"):
        open_link(fleet, "a1", dst, "20Mbit", "1GB", lease="2s")

    def leased() -> list[int]:
        return [fleet.api.link(f"a1>{dst}")["leased_rate_bps"] for dst in ("b1", "b2")]

    wait_until("both to have their share", lambda: leased() == [6_000_000] * 2, 6)
    fleet.api.call("PUT", "/api/v1/quotas/node:a1", {"rate": "4Mbit"})
    wait_until("the lower rate", lambda: leased() == [2_000_000] * 2, 6)
    seconds = 4.0
    a1 = fleet.node("a1")
    receivers = {name: capture_arrivals(fleet.node(name)) for name in ("b1", "b2")}
    senders = [UdpSender(a1, fleet.node(dst).v4, pps=600, ip_bytes=1400) for dst in receivers]
    began = time.monotonic()
    for part in (*receivers.values(), *senders):
        part.start()
    time.sleep(seconds)
    for part in (*senders, *receivers.values()):
        part.stop()
    elapsed = time.monotonic() - began
    burst = fleet.api.quotas()["node:a1"]["burst_bytes"]
    arrived = sum(total(arrivals(got, a1)).bytes for got in receivers.values())
    assert arrived <= 4_000_000 / 8 * elapsed + burst
    assert arrived >= 0.8 * 4_000_000 / 8 * seconds


@pytest.mark.parametrize("scope, field", [("east", "link"), ("enclosure:", "scope"),
                                          ("node:A1", "scope")])
def test_malformed_scopes(fleet: Lab, scope: str, field: str) -> None:
    with pytest.raises(LabError, match=field):
        fleet.api.call("PUT", f"/api/v1/quotas/{scope}", {"volume": 1})
    assert fleet.api.quotas() == {}


def test_scopes_that_are_not_there(fleet: Lab) -> None:
    for scope in ("enclosure:zz", "node:zz"):
        with pytest.raises(LabError, match="node add"):
            fleet.api.call("PUT", f"/api/v1/quotas/{scope}", {"volume": 1})

"""TCP fills what is leased, no window of time holds more, and the queue stays short."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from lab.api import wait_until
from lab.capture import Capture, total, worst_excess
from lab.lab import Lab
from lab.scenario import arrivals, capture_arrivals, measure_tcp, open_link, until_good
from lab.traffic import UdpSender, ping

MBIT = 1_000_000


def _available(congestion: str) -> bool:
    known = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text("ascii")
    return congestion in known.split()


@pytest.mark.parametrize("congestion", ["cubic", "bbr"])
@pytest.mark.parametrize("flows", [1, 16])
@pytest.mark.parametrize("mbit, share", [(1, 0.95), (10, 0.95), (100, 0.95), (500, 0.90)])
def test_tcp_fills_the_lease(fleet: Lab, mbit: int, share: float, flows: int,
                             congestion: str) -> None:
    if not _available(congestion):
        pytest.skip(f"this kernel has no {congestion}")
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    rate = mbit * MBIT
    open_link(fleet, "a1", "b1", rate, "10GB", lease="10s", back=True)
    burst = fleet.api.quotas()["a1>b1"]["burst_bytes"]
    # What leaves the shaper holds the bound exactly. What arrives does too, but for the
    # time that the encryption's threads held packets back; that is not the lease's.
    with Capture(a1.dpu, "slu-a1") as shaped:
        fill = until_good(
            lambda: measure_tcp(a1, b1, rate, flows, seconds=5.0 if mbit == 1 else 3.0,
                                warm_up=2.0 if mbit == 1 else 1.5, congestion=congestion),
            lambda fill: fill.share(rate) >= share)
    excess = worst_excess(shaped.select(src=a1.v4, outgoing=True), rate)
    assert excess <= burst, f"{excess:.0f} bytes above rate × T, burst is {burst}"
    assert fill.share(rate) >= share, f"{fill.bps / MBIT:.2f} of {mbit} Mbit/s"


def test_udp_flood_is_held_to_the_lease(fleet: Lab) -> None:
    """What does not heed congestion gets its lease too, and no more in any window."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    rate = 20 * MBIT
    open_link(fleet, "a1", "b1", rate, "1GB", burst=64_000)
    with Capture(a1.dpu, "slu-a1") as shaped, capture_arrivals(b1) as got:
        with UdpSender(a1, b1.v4, pps=5000, ip_bytes=1400):  # 56 Mbit/s
            time.sleep(3)
    sent = shaped.select(src=a1.v4, outgoing=True)
    assert worst_excess(sent, rate) <= 64_000
    assert total(arrivals(got, a1)).bytes >= 0.95 * rate / 8 * 3
    assert fleet.api.link("a1>b1")["drops"].get("rate", 0) > 0


@pytest.mark.parametrize("congestion", ["cubic", "bbr"])
@pytest.mark.parametrize("version", [4, 6])
def test_ping_beside_a_full_lease(fleet: Lab, version: int, congestion: str) -> None:
    if not _available(congestion):
        pytest.skip(f"this kernel has no {congestion}")
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", 100 * MBIT, "10GB", lease="10s", back=True)
    rate = 100 * MBIT
    fill = until_good(
        lambda: measure_tcp(a1, b1, rate, flows=16, seconds=4.0, congestion=congestion,
                            with_ping=True, version=version),
        lambda fill: fill.share(rate) >= 0.95 and fill.ping is not None
        and fill.ping.mean_ms <= 10 and fill.ping.received >= 0.9 * fill.ping.sent,
        # What else the machine does shows in some: BBR keeps the queue full.
        tries=6)
    assert fill.ping is not None
    assert fill.ping.received >= 0.9 * fill.ping.sent
    assert fill.ping.mean_ms <= 10
    assert fill.share(rate) >= 0.95


def test_a_faster_quota_does_not_wait_for_the_old_queue(fleet: Lab) -> None:
    """What queued at 8 kbit/s would take half a minute; at the new rate it takes none, but
    for the one packet that is on its way."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "8kbit", "100MB", lease="30s", back=True)
    with UdpSender(a1, b1.v4, pps=100, ip_bytes=400):
        time.sleep(2)
    fleet.api.set_quota("a1>b1", "100Mbit", "100MB", "lifetime", "30s")
    wait_until("the new rate", lambda: fleet.api.link("a1>b1")["leased_rate_bps"] == 100 * MBIT)
    time.sleep(0.5)
    assert ping(a1, b1.v4, count=10).received == 10


def test_the_slowest_lease(fleet: Lab) -> None:
    """8 kbit/s is 1,000 bytes a second: it carries small packets, and holds the rest back."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "8kbit", "1MB", burst="3KB", back=True)
    with Capture(a1.dpu, "slu-a1") as shaped, capture_arrivals(b1) as got:
        with UdpSender(a1, b1.v4, pps=50, ip_bytes=200):
            time.sleep(5)
    assert total(arrivals(got, a1)).bytes > 4000
    assert worst_excess(shaped.select(src=a1.v4, outgoing=True), 8000) <= 3000


def test_the_fastest_lease(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "400Gbit", "4EiB", lease="10s", back=True)
    before = fleet.api.link("a1>b1")["drops"]["volume"]  # since the nodes' boot
    quota = fleet.api.quotas()["a1>b1"]
    assert quota["rate_bps"] == 400_000_000_000 and quota["volume_bytes"] == 4 << 60
    assert ping(a1, b1.v4, count=10).received == 10
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=2000, count=2000) as sender:
        sender.wait()
        time.sleep(0.3)
    assert total(arrivals(got, a1)).packets == 2000
    link = fleet.api.link("a1>b1")
    assert link["rate_bps"] == 400_000_000_000 and link["drops"]["volume"] == before

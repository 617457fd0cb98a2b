"""The rate under EDT and fq, at what an emulated processor can keep up with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import pytest
from lab.capture import Capture, worst_excess
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import (Fill, arrivals, capture_arrivals, ending, expiry_realtime_ns, lasting,
                          measure_tcp, open_link, wait_past)
from lab.traffic import TcpFlows

RATE = 5_000_000


@dataclass
class Shaped:
    fill: Fill
    excess: float  # above rate × T, in the worst window of what left fq
    longest: int  # packet


def _measure(fleet: Lab, flows: int) -> Shaped:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    with Capture(a1.dpu, "slu-a1") as capture:
        fill = measure_tcp(a1, b1, RATE, flows, seconds=4.0)
    packets = capture.select(src=a1.v4, outgoing=True)
    return Shaped(fill, worst_excess(packets, RATE), max(p.wire_bytes for p in packets))


@pytest.mark.parametrize("flows", [1, 4])
def test_tcp_within_a_lease(fleet: Lab, flows: int,
                            record_property: Callable[[str, object], None]) -> None:
    """The bound holds in every window of what leaves the shaper. fq dates packets when they
    come and cannot take a date back: when the machine's processor stands still for longer
    than the rest of the burst lasts, 27 ms here, all that is due leaves at once. A processor
    that is emulated on a busy one does stand still, so one of three measurements must hold
    all of the bound, and all are told. TCP's share of the lease is held to a quarter."""
    open_link(fleet, "a1", "b1", RATE, "1GB", lease="60s", back=True)
    burst = fleet.api.quotas()["a1>b1"]["burst_bytes"]
    measured = []
    while len(measured) < 3:
        measured.append(_measure(fleet, flows))
        if measured[-1].excess <= burst and measured[-1].fill.share(RATE) > 0.8:
            break
    excesses = [round(one.excess) for one in measured]
    shares = [round(one.fill.share(RATE), 3) for one in measured]
    record_property("share of the lease", shares)
    record_property("longest packet", max(one.longest for one in measured))
    record_property(f"most bytes above rate × T, of {burst}", excesses)
    assert min(excesses) <= burst
    assert max(shares) > 0.25


# fq sends what is dated up to the lease's end, and each packet then waits for an emulated
# processor to encrypt and decrypt what is ahead of it. Measured with two processors that
# five programs wanted: 0.7 ms out of fq and 3 ms at the receiver once, 13 ms another time.
# tests/e2e holds the same to 10 ms on a real one.
LATEST_MS = 50


def test_tcp_ends_on_time(fleet: Lab, record_property: Callable[[str, object], None]) -> None:
    """A queue that is full at the lease's end does not outlive it."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", RATE, "1GB", lease=lasting(2), back=True)
    with capture_arrivals(b1) as got, Capture(a1.dpu, "slu-a1") as shaped, \
            TcpFlows(a1, b1, flows=4) as tcp:
        tcp.wait_flowing(100_000)
        fleet.processes.kill(CONTROLLER)
        fleet.processes.kill(agent_name("a1"))
        expiry = expiry_realtime_ns(fleet, "a1", "b1")
        wait_past(expiry)
    left = ending(shaped.select(src=a1.v4, outgoing=True), expiry)
    end = ending(arrivals(got, a1), expiry)
    record_property("last packet out of fq", f"{left.last_after_expiry_ms:.2f} ms")
    record_property("last packet at the receiver", f"{end.last_after_expiry_ms:.2f} ms")
    assert left.last_after_expiry_ms <= LATEST_MS
    assert end.last_after_expiry_ms <= LATEST_MS

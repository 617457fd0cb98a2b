"""A lease ends on time whoever is dead, and what comes back opens nothing by itself."""

from __future__ import annotations

import os
import signal
import time
from typing import Callable

import pytest
from lab.capture import total
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import (arrivals, capture_arrivals, ending, expiry_realtime_ns, lasting,
                          open_link, send_slot, wait_open, wait_past)
from lab.traffic import TcpFlows, UdpSender


@pytest.mark.parametrize("victims", [
    (CONTROLLER,), ("agent-a1",), ("agent-b1",), (CONTROLLER, "agent-a1", "agent-b1")],
    ids=["controller", "sender", "receiver", "all"])
def test_udp_ends_on_time(fleet: Lab, victims: tuple[str, ...],
                          record_property: Callable[[str, object], None]) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(2))
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=1500, ip_bytes=600):
        time.sleep(0.7)
        for victim in victims:
            fleet.processes.kill(victim)
        killed = time.time_ns()
        time.sleep(0.3)
        # The sender's living agent closes its side and forgets when that was; the dead
        # receiver's gate still says when its own side ends.
        side = "receive" if victims == ("agent-b1",) else "send"
        expiry = expiry_realtime_ns(fleet, "a1", "b1", side)
        wait_past(expiry)
    packets = arrivals(got, a1)
    end = ending(packets, expiry)
    record_property("last packet after the lease's end", f"{end.last_after_expiry_ms:.2f} ms")
    assert end.packets_later_than_10ms == 0
    assert end.last_after_expiry_ms <= 10
    if victims != ("agent-b1",):
        assert packets[-1].time_ns - killed > 0.5e9, "traffic ended long before its lease"


def test_tcp_ends_on_time(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "100Mbit", "1GB", lease=lasting(2), back=True)
    with capture_arrivals(b1) as got, TcpFlows(a1, b1, flows=8) as tcp:
        tcp.wait_flowing(1_000_000)
        fleet.processes.kill(CONTROLLER)
        fleet.processes.kill("agent-a1")
        time.sleep(0.3)
        expiry = expiry_realtime_ns(fleet, "a1", "b1")
        wait_past(expiry)
    assert ending(arrivals(got, a1), expiry).last_after_expiry_ms <= 10


def test_traffic_recovers_unaided_after_the_controller(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(2))
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v6, pps=500):
        fleet.processes.kill(CONTROLLER)
        wait_past(expiry_realtime_ns(fleet, "a1", "b1"))
        back = time.time_ns()
        fleet.start_controller()
        wait_open(fleet, "a1", "b1", 20)
        time.sleep(0.5)
    assert [p for p in arrivals(got, a1) if p.time_ns > back]


def test_a_restarted_agent_takes_over_without_a_gap(fleet: Lab) -> None:
    """The lease outlives the restart: not a packet is lost, and the count goes on."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(10))
    start = send_slot(fleet, "a1", "b1")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500) as sender:
        time.sleep(0.5)
        before = send_slot(fleet, "a1", "b1")
        fleet.processes.kill(agent_name("a1"))
        time.sleep(0.3)
        fleet.restart_agent("a1")
        time.sleep(1)
        sender.stop()
        time.sleep(0.2)
    after = send_slot(fleet, "a1", "b1")
    counted = total(arrivals(got, a1))
    assert after.admitted > before.admitted > start.admitted
    assert after.packets - start.packets == counted.packets
    assert after.admitted - start.admitted == counted.bytes
    assert counted.packets == sender.sent, fleet.api.link("a1>b1")["drops"]


def test_a_restarted_agent_opens_nothing(fleet: Lab) -> None:
    """After the end of the lease an agent without its controller keeps all closed."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(1))
    fleet.processes.kill(CONTROLLER)
    fleet.processes.kill(agent_name("a1"))
    time.sleep(0.3)
    wait_past(expiry_realtime_ns(fleet, "a1", "b1"), 0.1)
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500) as sender:
        fleet.start_agent("a1")
        time.sleep(2)
        assert fleet.processes.pid(agent_name("a1")), fleet.processes.log_tail(agent_name("a1"))
    assert sender.sent > 500
    assert arrivals(got, a1) == []


def test_an_agent_stopped_by_a_debugger_is_no_hole(fleet: Lab) -> None:
    """SIGSTOP instead of SIGKILL: nobody runs, nobody is told."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(1))
    pid = fleet.processes.pid(agent_name("a1"))
    assert pid is not None
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500):
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(0.3)
            expiry = expiry_realtime_ns(fleet, "a1", "b1")
            wait_past(expiry, 1.0)
        finally:
            frozen_until = time.time_ns()
            os.kill(pid, signal.SIGCONT)
    packets = [p for p in arrivals(got, a1) if p.time_ns < frozen_until]
    assert ending(packets, expiry).last_after_expiry_ms <= 10


def test_revoked_from_either_end(fleet: Lab) -> None:
    """With the sender's agent frozen, the receiver alone makes it silent."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    for frozen in ("a1", "b1"):
        open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(20))
        pid = fleet.processes.pid(agent_name(frozen))
        assert pid is not None
        with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500):
            time.sleep(0.3)
            os.kill(pid, signal.SIGSTOP)
            try:
                asked = time.time_ns()
                fleet.api.revoke("a1>b1")
                time.sleep(1.5)
            finally:
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.3)
        packets = arrivals(got, a1)
        assert [p for p in packets if p.time_ns < asked]
        assert not [p for p in packets if p.time_ns > asked + 1_000_000_000]
        fleet.api.delete_quota("a1>b1")
        time.sleep(0.5)

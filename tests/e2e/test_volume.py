"""A volume is a cap to the byte, for every protocol, through renewals and crashes."""

from __future__ import annotations

import time

import pytest
from lab.api import wait_until
from lab.capture import total
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import (arrivals, capture_arrivals, open_link, send_slot, wait_open)
from lab.traffic import TcpFlows, UdpSender, address_of

MTU = 1500


def _exhausted(fleet: Lab, link: str) -> bool:
    return fleet.api.link(link)["state"] == "exhausted"


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("size", [1400, 177])
def test_udp(fleet: Lab, version: int, size: int) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    volume = 1_000_003
    before = open_link(fleet, "a1", "b1", "50Mbit", volume)
    with capture_arrivals(b1) as got, UdpSender(a1, address_of(b1, version), pps=4000,
                                                ip_bytes=size, count=volume // size + 500) as udp:
        udp.wait()
        time.sleep(0.5)
    arrived = total(arrivals(got, a1)).bytes
    admitted = send_slot(fleet, "a1", "b1").admitted - before
    assert arrived <= volume and admitted <= volume
    assert volume - admitted < size
    assert arrived > 0.99 * volume
    wait_until("the link to be exhausted", lambda: _exhausted(fleet, "a1>b1"), 5)


def test_udp_with_the_agent_dead(fleet: Lab) -> None:
    """The gate needs no agent to end on the byte, and the next agent takes its count over."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    volume, size = 500_003, 1000
    before = open_link(fleet, "a1", "b1", "20Mbit", volume, lease="20s")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500, ip_bytes=size,
                                                count=volume // size + 200) as sender:
        time.sleep(0.2)
        fleet.processes.kill(agent_name("a1"))
        used = send_slot(fleet, "a1", "b1").admitted - before
        sender.wait()
        time.sleep(0.5)
    assert used < volume, "the agent was killed too late: this test tests nothing"
    admitted = send_slot(fleet, "a1", "b1").admitted - before
    arrived = total(arrivals(got, a1)).bytes
    assert 0 <= volume - admitted < size
    assert 0.99 * volume < arrived <= admitted
    fleet.restart_agent("a1")
    wait_until("the link to be exhausted", lambda: _exhausted(fleet, "a1>b1"), 10)
    assert send_slot(fleet, "a1", "b1").admitted - before == admitted


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("flows", [1, 8])
def test_tcp_with_super_packets(fleet: Lab, version: int, flows: int) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    volume = 6_000_001
    before = open_link(fleet, "a1", "b1", "100Mbit", volume, lease="10s", back=True)
    with capture_arrivals(b1) as got, TcpFlows(a1, b1, flows=flows, version=version):
        wait_until("the volume to be used up", lambda: volume + before - send_slot(
            fleet, "a1", "b1").admitted < MTU, 20, pause=0.1)
        time.sleep(0.5)
    arrived = total(arrivals(got, a1)).bytes
    admitted = send_slot(fleet, "a1", "b1").admitted - before
    assert 0 <= volume - admitted < MTU
    assert 0.98 * volume < arrived <= admitted


def test_both_ends_count_the_same(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "50Mbit", "100MB")
    before = fleet.api.link("a1>b1")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v6, pps=2000, count=3000) as sender:
        sender.wait()
        time.sleep(1)
    counted = total(arrivals(got, a1))
    link = fleet.api.link("a1>b1")
    assert counted.packets == 3000
    for end in ("sender", "receiver"):
        start = before[end] or {"packets": 0, "bytes": 0}
        assert link[end]["packets"] - start["packets"] == counted.packets
        assert link[end]["bytes"] - start["bytes"] == counted.bytes
    assert link["volume_used_bytes"] == counted.bytes
    assert link["volume_used_bytes"] + link["volume_left_bytes"] == link["volume_bytes"]


def test_renewals_reset_nothing(fleet: Lab) -> None:
    """Eight lease lifetimes, one volume."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    volume = 600_000
    open_link(fleet, "a1", "b1", "10Mbit", volume, lease="1s")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=90, ip_bytes=1400) as sender:
        time.sleep(8)
    assert sender.sent * 1400 > volume * 1.2
    assert fleet.api.link("a1>b1")["lease_sequence"] > 3
    assert 0.98 * volume < total(arrivals(got, a1)).bytes <= volume


def test_a_window_begins_anew(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    volume, window = 200_000, 4
    began = time.monotonic()
    open_link(fleet, "a1", "b1", "10Mbit", volume, lease="2s", per=f"{window}s")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=300, ip_bytes=1400):
        time.sleep(2.5 * window)
    windows = int((time.monotonic() - began) / window) + 1
    arrived = total(arrivals(got, a1)).bytes
    assert volume < arrived <= windows * volume


def test_crashes_give_nothing_back(fleet: Lab) -> None:
    """Every daemon of the link is killed in turn while the volume is being used."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    volume = 1_500_000
    open_link(fleet, "a1", "b1", "20Mbit", volume, lease="2s")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=180, ip_bytes=1400):
        for daemon in (agent_name("a1"), CONTROLLER, agent_name("b1")):
            time.sleep(0.4)
            fleet.processes.kill(daemon)
            time.sleep(0.3)
            if daemon == CONTROLLER:
                fleet.start_controller()
            else:
                fleet.restart_agent(daemon.removeprefix("agent-"))
        wait_until("the link to be exhausted", lambda: _exhausted(fleet, "a1>b1"), 20)
        time.sleep(0.5)
    arrived = total(arrivals(got, a1)).bytes
    assert 0.5 * volume < arrived <= volume
    assert fleet.api.link("a1>b1")["volume_used_bytes"] > volume - 1400


def test_a_smaller_quota_takes_effect(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    before = open_link(fleet, "a1", "b1", "20Mbit", "100MB", lease="10s")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500, ip_bytes=1400):
        time.sleep(0.5)
        volume = send_slot(fleet, "a1", "b1").admitted - before + 400_000
        fleet.api.set_quota("a1>b1", "20Mbit", volume, "lifetime", "10s")
        time.sleep(2)
    assert total(arrivals(got, a1)).bytes <= volume


def test_deleting_and_setting_a_quota_begins_a_new_life(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    for _ in range(2):
        open_link(fleet, "a1", "b1", "20Mbit", 140_000)
        with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=2000, ip_bytes=1400,
                                                    count=200) as sender:
            sender.wait()
            time.sleep(0.5)
        assert total(arrivals(got, a1)).bytes == 140_000
        fleet.api.delete_quota("a1>b1")
        wait_until("the quota to be gone", lambda: "a1>b1" not in fleet.api.quotas(), 5)


def test_revoked_volume_is_not_lost(fleet: Lab) -> None:
    """A revoked lease reports its final count; the rest can be leased again."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    volume = 280_000
    open_link(fleet, "a1", "b1", "20Mbit", volume, lease="20s")
    with capture_arrivals(b1) as got:
        for _ in range(2):
            with UdpSender(a1, b1.v4, pps=1000, ip_bytes=1400, count=100) as sender:
                sender.wait()
            fleet.api.revoke("a1>b1")
            time.sleep(0.5)
            fleet.api.restore("a1>b1")
            if fleet.api.link("a1>b1")["volume_left_bytes"]:
                wait_open(fleet, "a1", "b1")
        time.sleep(0.3)
    assert total(arrivals(got, a1)).bytes == volume

"""Default deny: what has no lease does not arrive, wherever it comes from."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from lab import netns, traffic
from lab.capture import Capture, total
from lab.lab import Lab, agent_name
from lab.demo_steps import clear_text
from lab.plan import OUTSIDE_V4, OUTSIDE_V6
from lab.scenario import (arrivals, capture_arrivals, expiry_realtime_ns, open_link, wait_open,
                          wait_past)
from lab.traffic import UdpSender, ping, send_frames


def test_no_lease_no_bytes(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    with capture_arrivals(a1) as sent, capture_arrivals(b1) as got:
        for address in (b1.v4, b1.v6):
            with UdpSender(a1, address, pps=1000, count=300) as sender:
                sender.wait()
            assert ping(a1, address, count=5, wait=0.3).received == 0
        _try_tcp(fleet, "a1", b1.v4)
        time.sleep(0.2)
    assert total(sent.select(src=a1.v4, outgoing=True)).packets > 300, "nothing was sent"
    assert total(sent.select(src=a1.v6, outgoing=True)).packets > 300, "nothing was sent"
    assert arrivals(got, a1) == []


def _try_tcp(fleet: Lab, src: str, address: str) -> None:
    with netns.make_socket(fleet.node(src).acc, socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(0.5)
        with pytest.raises(OSError):
            client.connect((address, 7001))


def test_a_lease_opens_one_direction_of_one_link(fleet: Lab) -> None:
    a1, a2, b1, b2 = (fleet.node(n) for n in ("a1", "a2", "b1", "b2"))
    open_link(fleet, "a1", "b1", "10Mbit", "10MB")
    captures = {n.name: capture_arrivals(n) for n in (a1, a2, b1, b2)}
    for capture in captures.values():
        capture.start()
    pairs = [(s, d) for s in (a1, a2, b1, b2) for d in (a1, a2, b1, b2) if s is not d]
    for src, dst in pairs:
        with UdpSender(src, dst.v4, pps=1000, count=50) as sender:
            sender.wait()
    time.sleep(0.3)
    for capture in captures.values():
        capture.stop()
    carried = {(s.name, d.name) for s, d in pairs if arrivals(captures[d.name], s)}
    assert carried == {("a1", "b1")}


def test_unknown_destination(fleet: Lab) -> None:
    a1 = fleet.node("a1")
    open_link(fleet, "a1", "b1", "10Mbit", "10MB")
    # Addresses that only the gateway's default prefix covers, and the fabric's own, which
    # an accelerator has no business with.
    with Capture("sw-leaf1", "p1", snap=65535) as fabric:
        for address in ("192.0.2.9", "172.31.1.6", "fd00:dead::1"):
            with UdpSender(a1, address, pps=1000, count=100) as sender:
                sender.wait()
        time.sleep(0.5)
    assert clear_text(fabric)[1] == 0
    assert len(fabric.packets) > 0, "the capture saw nothing, not even heartbeats"


def test_unknown_protocol_does_not_pass(fleet: Lab) -> None:
    a1 = fleet.node("a1")
    open_link(fleet, "a1", "b1", "10Mbit", "10MB")
    frame = b"\xff" * 6 + b"\x02\0\0\0\0\1" + struct.pack("!H", 0x88B6) + traffic.MARKER * 4
    with Capture("sw-leaf1", "p1", snap=65535) as fabric, capture_arrivals(
            fleet.node("b1")) as got:
        send_frames(a1.acc, "eth0", [frame] * 50)
        time.sleep(0.3)
    assert [p for p in fabric.packets if traffic.MARKER in p.frame] == []
    assert [p for p in got.packets if not p.outgoing and p.ethertype == 0x88B6] == []


def test_spoofed_source(fleet: Lab) -> None:
    """a1's accelerator may not use a2's address, even where a2 has a lease."""
    a1, a2, b1 = fleet.node("a1"), fleet.node("a2"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "10Mbit", "10MB")
    open_link(fleet, "a2", "b1", "10Mbit", "10MB")
    netns.run(a1.acc, "ip", "addr", "add", f"{a2.v4}/32", "dev", "lo")
    try:
        with capture_arrivals(b1) as got, netns.make_socket(
                a1.acc, socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((a2.v4, 0))
            for _ in range(200):
                sender.sendto(traffic.MARKER, (b1.v4, traffic.UDP_PORT))
            time.sleep(0.3)
    finally:
        netns.run(a1.acc, "ip", "addr", "delete", f"{a2.v4}/32", "dev", "lo")
    assert arrivals(got, a2) == []
    assert arrivals(got, a1) == []


@pytest.mark.parametrize("leased", [False, True])
def test_clear_packets_on_the_fabric_port(fleet: Lab, leased: bool) -> None:
    """Somebody on the fabric sends clear IP to an accelerator's address."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    if leased:
        open_link(fleet, "a1", "b1", "10Mbit", "10MB")
    mac = _mac(b1.dpu, "fab0")
    frames = [_clear_frame(mac, a1.v4, b1.v4, 7000), _clear_frame(mac, a1.v4, b1.v4, 51820),
              _clear_frame(mac, "172.31.1.1", b1.v4, 7000)]
    with capture_arrivals(b1) as got:
        send_frames("sw-leaf2", "p1", frames * 100)
        time.sleep(0.3)
    assert [p for p in got.packets if not p.outgoing and p.protocol == 17] == []


def _mac(namespace: str, interface: str) -> bytes:
    line = netns.run(namespace, "ip", "-br", "link", "show", interface).stdout.split()
    return bytes.fromhex(line[2].replace(":", ""))


def _clear_frame(mac: bytes, src: str, dst: str, port: int) -> bytes:
    payload = traffic.MARKER * 4
    udp = struct.pack("!HHHH", 7000, port, 8 + len(payload), 0) + payload
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                         socket.inet_aton(src), socket.inet_aton(dst))
    words = struct.unpack("!10H", header)
    checksum = sum(words)
    checksum = ~((checksum & 0xFFFF) + (checksum >> 16)) & 0xFFFF
    header = header[:10] + struct.pack("!H", checksum) + header[12:]
    return mac + b"\x02\0\0\0\0\2" + b"\x08\x00" + header + udp


@pytest.mark.parametrize("address", [OUTSIDE_V4, OUTSIDE_V6, "203.0.113.2"])
def test_gateway_carries_to_the_outside(fleet: Lab, address: str) -> None:
    a1, gateway = fleet.node("a1"), fleet.node("gw")
    open_link(fleet, "a1", "gw", "10Mbit", "10MB")
    with capture_arrivals(gateway) as got:
        with UdpSender(a1, address, pps=500, count=100) as sender:
            sender.wait()
        time.sleep(0.3)
    assert total(got.select(dst=address, protocol=17, outgoing=False)).packets == 100


def test_nothing_in_clear_on_the_fabric_whatever_happens(fleet: Lab) -> None:
    """One capture over a link's whole life: no lease, leased, agent crash, lease end,
    agent restart, leased again, quota deleted."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    with Capture("sw-leaf1", "p1", snap=65535, ring_mib=64) as fabric, \
            UdpSender(a1, b1.v4, pps=400), UdpSender(a1, b1.v6, pps=400):
        time.sleep(0.3)
        open_link(fleet, "a1", "b1", "20Mbit", "100MB", lease="2s")
        time.sleep(0.5)
        fleet.processes.kill(agent_name("a1"))
        time.sleep(0.1)
        wait_past(expiry_realtime_ns(fleet, "a1", "b1"), 0.5)
        fleet.restart_agent("a1")
        wait_open(fleet, "a1", "b1", 15)
        time.sleep(0.5)
        fleet.api.delete_quota("a1>b1")
        time.sleep(0.5)
    frames, wrong = clear_text(fabric)
    assert frames > 500 and wrong == 0

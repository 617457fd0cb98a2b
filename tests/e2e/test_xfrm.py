"""A fleet whose links are encrypted by the kernel's IPsec, where the kernel has it; and
what nodes do that cannot."""

from __future__ import annotations

import re
import time
from typing import Iterator

import pytest
from lab import netns
from lab.api import wait_until
from lab.capture import Capture
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import arrivals, capture_arrivals, close_all, lasting, open_link
from lab.traffic import MARKER, UdpSender

ESP = 50


def _kernel_has_esp(fleet: Lab) -> bool:
    """Asked without our code: the kernel takes an ESP SA, or it does not."""
    words = ("ip", "xfrm", "state")
    spec = ("src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "0x1234")
    added = netns.run(fleet.node("a1").dpu, *words, "add", *spec, "mode", "tunnel", "aead",
                      "rfc4106(gcm(aes))", "0x" + "11" * 36, "128", check=False)
    if added.returncode == 0:
        netns.run(fleet.node("a1").dpu, *words, "delete", *spec)
    return added.returncode == 0


def _tunnels(fleet: Lab) -> list[str]:
    """What each node says of its link tunnel, and why it is that."""
    return [" ".join(c["choice"] + " " + c["reason"] for c in node["capabilities"]
                     if c["name"] == "tunnel") for node in fleet.api.nodes().values()]


def _choose(fleet: Lab, *options: str, choice: str) -> None:
    """Restarts the controller with these options and waits until all nodes follow."""
    fleet.processes.stop(CONTROLLER)
    fleet.start_controller(*options)
    wait_until(f"every node to have {choice}", lambda: all(
        choice in said for said in _tunnels(fleet)), 40)
    fleet.wait_online(30)


@pytest.fixture(name="esp")
def _esp(fleet: Lab) -> None:
    if not _kernel_has_esp(fleet):
        pytest.skip("this kernel has no ESP; tests/vm runs this on one that has")


@pytest.fixture(name="ipsec")
def _ipsec(fleet: Lab) -> Iterator[Lab]:
    _choose(fleet, "--tunnel", "xfrm", "--key-lifetime", "2s", choice="xfrm")
    yield fleet
    close_all(fleet)
    _choose(fleet, choice="wireguard")


def _sas(fleet: Lab, node: str) -> str:
    return netns.run(fleet.node(node).dpu, "ip", "-s", "xfrm", "state").stdout


def test_a_node_that_cannot_opens_nothing_and_says_why(ipsec: Lab) -> None:
    if _kernel_has_esp(ipsec):
        pytest.skip("this kernel has ESP")
    a1, b1 = ipsec.node("a1"), ipsec.node("b1")
    for node in ipsec.api.nodes().values():
        assert any("no link can open" in fault and "xfrm" in fault for fault in node["faults"])
    ipsec.api.set_quota("a1>b1", "10Mbit", "1GB", "lifetime", "5s")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=200), \
            Capture(a1.dpu, "fab0", snap=2048) as fabric:
        time.sleep(2)
    assert not arrivals(got, a1)
    assert not any(MARKER in p.frame for p in fabric.packets)


@pytest.mark.usefixtures("esp")
def test_traffic_by_esp_rotates_and_ends_with_the_lease(ipsec: Lab) -> None:
    a1, b1 = ipsec.node("a1"), ipsec.node("b1")
    open_link(ipsec, "a1", "b1", "10Mbit", "100MB", lease=lasting(20))
    first = re.findall(r"spi (0x\w+)", _sas(ipsec, "a1"))
    count = 300
    with capture_arrivals(b1) as got, Capture(a1.dpu, "fab0", snap=2048) as fabric, \
            UdpSender(a1, b1.v4, pps=50, count=count) as sender:
        sender.wait()
        time.sleep(0.5)
    assert sum(p.segments for p in arrivals(got, a1)) == count, "a rotation lost a packet"
    assert sum(p.protocol == ESP for p in fabric.packets) >= count
    assert not any(MARKER in p.frame for p in fabric.packets)
    assert not set(first) & set(re.findall(r"spi (0x\w+)", _sas(ipsec, "a1"))), "no rotation"
    _kernel_ends_it(ipsec)
    ipsec.api.revoke("a1>b1")
    wait_until("all SAs to be gone", lambda: not any(
        re.search(r"spi 0x", _sas(ipsec, node)) for node in ("a1", "b1")), 10)


def _kernel_ends_it(fleet: Lab) -> None:
    """The SAs carry the lease's bounds."""
    limits = re.findall(r"limit: soft \S+\(bytes\), hard (\S+)\(bytes\)", _sas(fleet, "a1"))
    assert any(limit != "(INF)" and int(limit) <= 100_000_000 for limit in limits)
    times = re.findall(r"expire add: soft \S+, hard (\d+)\(sec\)", _sas(fleet, "a1"))
    assert any(int(seconds) > 0 for seconds in times)


@pytest.mark.usefixtures("esp")
def test_the_kernel_ends_the_sas_of_a_dead_agent(ipsec: Lab) -> None:
    open_link(ipsec, "a1", "b1", "10Mbit", "100MB", lease=lasting(4))
    for node in ("a1", "b1"):
        ipsec.processes.kill(agent_name(node))
    assert re.search(r"spi 0x", _sas(ipsec, "a1"))
    wait_until("the kernel to have deleted what sends",
               lambda: not _has_bounded(_sas(ipsec, "a1")), 20)
    for node in ("a1", "b1"):
        ipsec.start_agent(node)


def _has_bounded(states: str) -> bool:
    """Whether an SA with a hard time limit is there."""
    return any(int(s) > 0 for s in re.findall(r"expire add: soft \S+, hard (\d+)\(sec\)", states))

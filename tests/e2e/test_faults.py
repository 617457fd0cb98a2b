"""What is taken from under a node is made anew, and opens nothing meanwhile."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from lab import netns
from lab.api import patience, wait_until
from lab.capture import Capture
from lab.demo_steps import clear_text
from lab.lab import CONTROLLER, Lab
from lab.scenario import arrivals, capture_arrivals, lasting, open_link
from lab.traffic import UdpSender


def _take_away(namespace: str, device: str) -> None:
    """Ends the device's wireguard-go, or deletes a device of the kernel's."""
    for pid in netns.pids(namespace):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"wireguard-go" in words[0] and device.encode() in words:
            os.kill(pid, signal.SIGKILL)
            return
    netns.run(namespace, "ip", "link", "delete", device)


@pytest.mark.parametrize("node", ["a1", "b1"])
@pytest.mark.parametrize("tunnel", ["slu", "slc"])
def test_a_tunnel_is_taken_away(fleet: Lab, tunnel: str, node: str) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(3))
    with Capture("sw-leaf1", "p1", snap=65535) as fabric, capture_arrivals(b1) as got, \
            UdpSender(a1, b1.v4, pps=500):
        time.sleep(0.5)
        _take_away(fleet.node(node).dpu, f"{tunnel}-{node}")
        time.sleep(3.5 * patience())  # a lease that nobody could renew is over
        wait_until("the node to be online", lambda: fleet.api.nodes()[node]["state"] == "online",
                   20)
        wait_until("the link to be leased", lambda: fleet.api.link("a1>b1")["state"] == "open", 20)
        time.sleep(3 * patience())
        again = time.time_ns()
        time.sleep(0.5)
    packets = arrivals(got, a1)
    assert [p for p in packets if p.time_ns < again]
    assert [p for p in packets if p.time_ns > again], "nothing came through again"
    frames, wrong = clear_text(fabric)
    assert frames and wrong == 0


def test_the_controllers_tunnel_is_taken_away(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "20Mbit", "1GB", lease=lasting(3))
    machine = fleet.plan.controller.name
    pid = fleet.processes.pid(CONTROLLER)
    _take_away(machine, f"slc-{machine}")
    time.sleep(3.5 * patience())
    fleet.wait_online(20)
    wait_until("the link to be leased", lambda: fleet.api.link("a1>b1")["state"] == "open", 20)
    assert fleet.processes.pid(CONTROLLER) == pid, "it did not recover, it was started"
    with capture_arrivals(fleet.node("b1")) as got:
        with UdpSender(fleet.node("a1"), fleet.node("b1").v4, pps=500, count=100) as sender:
            sender.wait()
            time.sleep(0.3)
    assert len(arrivals(got, fleet.node("a1"))) > 50  # the first ones may find no session

"""A node that is tampered with shuts itself and is shut out; one that goes dark is shut out."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import socket
import time
from pathlib import Path
from typing import Iterator

import pytest
from lab import netns
from lab.api import wait_until
from lab.capture import Capture
from lab.lab import TUNNEL_PORT, Lab, agent_name
from lab.scenario import arrivals, capture_arrivals, controller_with, open_link, wait_open
from lab.traffic import UdpSender

KEY = "5a" * 32


def _message(kind: str, words: str) -> bytes:
    """As docs/tamper.md has it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    body = f"sluice-tamper/1 {boot} {time.clock_gettime_ns(time.CLOCK_BOOTTIME)} {kind} {words}"
    code = hmac.new(bytes.fromhex(KEY), body.encode(), hashlib.sha256).hexdigest()
    return f"{code} {body}".encode()


def _send(path: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, str(path))


def _sensor(fleet: Lab, node: str) -> tuple[Path, tuple[str, ...]]:
    base = fleet.node_directory(node)
    key = base / "lid.key"
    key.write_text(KEY)
    key.chmod(0o600)
    return base / "lid.sock", ("--tamper-socket", f"{base / 'lid.sock'}:{key}")


@pytest.fixture(name="strict")
def _strict(fleet: Lab) -> Iterator[Lab]:
    """A controller that shuts silent nodes out, as it does by default."""
    with controller_with(fleet, "--dark-node", "suspend"):
        yield fleet


def _restart_with(fleet: Lab, node: str, more: tuple[str, ...]) -> None:
    fleet.processes.stop(agent_name(node))
    fleet.start_agent(node, more=more)


def test_tampered_by_a_sensor(fleet: Lab) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    path, options = _sensor(fleet, "a1")
    _restart_with(fleet, "a1", options)
    fleet.wait_online()
    open_link(fleet, "a1", "b1", "100Mbit", "1GB", lease="30s")
    _send(path, b"forged " + _message("tamper", "no"))  # a fault, and no more
    fabric = [Capture(a1.dpu, port) for port in a1.ports]
    for capture in fabric:
        capture.start()
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=2000):
        time.sleep(1)
        assert fleet.api.nodes()["a1"]["state"] == "online"
        tampered = time.time_ns()
        _send(path, _message("tamper", "the lid is open"))
        time.sleep(1.5)
    for capture in fabric:
        capture.stop()
    left = [p for capture in fabric for p in capture.packets if p.outgoing and p.protocol == 17
            and p.src_port == TUNNEL_PORT and p.wire_bytes > 200]
    came = arrivals(got, a1)
    assert left and came
    leaving = (max(p.time_ns for p in left) - tampered) / 1e6
    arriving = (max(p.time_ns for p in came) - tampered) / 1e6
    print(f"tamper message -> last packet left {leaving:.2f} ms, -> last arrived {arriving:.2f} ms")
    assert leaving < 1000 and arriving < 1000
    node = fleet.api.nodes()["a1"]
    assert node["state"] == "tampered" and node["tamper"]["words"] == "the lid is open"
    assert fleet.api.link("a1>b1")["state"] == "revoked"
    _stays_shut_until_readmitted(fleet, options)


def _stays_shut_until_readmitted(fleet: Lab, options: tuple[str, ...]) -> None:
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    _restart_with(fleet, "a1", options)
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500):
        time.sleep(3)
    assert not arrivals(got, a1)
    fleet.ctl("node", "readmit", "a1")
    wait_until("a1 to be online", lambda: fleet.api.nodes()["a1"]["state"] == "online", 15)
    wait_until("the link to open", lambda: fleet.api.link("a1>b1")["state"] == "open", 15)
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500):
        time.sleep(3)
    assert arrivals(got, a1), "nothing came through after the readmission"


def _cut_power(fleet: Lab, node: str) -> None:
    """What still runs on the node dies, and its tunnels with it; its cables stay."""
    dpu = fleet.node(node).dpu
    for pid in netns.pids(dpu):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    # A node that starts while its wireguard-go is still dying would take its device over.
    wait_until("the node to be dead", lambda: not netns.pids(dpu) and (
        f"slu-{node}" not in netns.run(dpu, "ip", "-br", "link").stdout), 10)


def test_a_node_goes_dark(strict: Lab) -> None:
    a1, b1 = strict.node("a1"), strict.node("b1")
    open_link(strict, "a1", "b1", "20Mbit", "1GB", lease="30s")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=1000):
        time.sleep(1)
        # The agent alone: its tunnel lives on, so what stops the packets is the peers' gates.
        strict.processes.kill(agent_name("a1"))
        killed = time.time_ns()
        time.sleep(2)
    silent = (max(p.time_ns for p in arrivals(got, a1)) - killed) / 1e6
    print(f"agent killed -> last packet that the peer let in {silent:.0f} ms")
    assert silent < 2000
    assert strict.api.nodes()["a1"]["dark"]
    assert "gone dark" in strict.api.link("a1>b1")["why"]
    _cut_power(strict, "a1")
    strict.start_agent("a1")
    wait_open(strict, "a1", "b1", 60)
    assert not strict.api.nodes()["a1"]["dark"]

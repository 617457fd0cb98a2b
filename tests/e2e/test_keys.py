"""The keys of the link tunnels: agreed on, rotated, and gone with the lease."""

from __future__ import annotations

import base64
import socket
import time
from pathlib import Path
from typing import Iterator

import pytest
from lab.api import wait_until
from lab.capture import Capture
from lab.lab import CONTROLLER, WIREGUARD_SOCKETS, Lab, agent_name
from lab.scenario import (arrivals, capture_arrivals, controller_with, lasting, open_link,
                          wait_open)
from lab.traffic import MARKER, UdpSender


def _uapi(node: str) -> list[tuple[str, str]]:
    """What the node's link tunnel says of itself, keys included."""
    path = WIREGUARD_SOCKETS / f"slu-{node}.sock"
    if not path.exists():
        pytest.skip("the link tunnel is the kernel's, which tells no test its keys")
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(path))
        asked.sendall(b"get=1\n\n")
        text = b""
        while not text.endswith(b"\n\n"):
            text += asked.recv(65536)
    return [tuple(line.split("=", 1)) for line in text.decode().splitlines() if "=" in line]


def _preshared(node: str) -> list[str]:
    """The preshared keys of its peers, in hex; zeros for a peer without one."""
    return [value for key, value in _uapi(node) if key == "preshared_key"]


def _agreed(fleet: Lab, *links: tuple[str, str]) -> None:
    for src, dst in links:
        wait_until(f"{src}>{dst} to use its keys", lambda s=src, d=dst: (
            fleet.api.link(f"{s}>{d}")["key"] or {}).get("in_use"), 10)


@pytest.fixture(name="rotating")
def _rotating(fleet: Lab) -> Iterator[Lab]:
    """A controller that begins a new epoch every second."""
    with controller_with(fleet, "--key-lifetime", "1s"):
        yield fleet


@pytest.fixture(name="counting")
def _counting(fleet: Lab) -> Iterator[Lab]:
    """A controller that begins a new epoch with every megabyte."""
    with controller_with(fleet, "--key-volume", "1MB"):
        yield fleet


def test_each_pair_has_a_key_of_its_own(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "10Mbit", "1GB", lease="20s")
    open_link(fleet, "a2", "b2", "10Mbit", "1GB", lease="20s")
    _agreed(fleet, ("a1", "b1"), ("a2", "b2"))
    keys = {node: _preshared(node) for node in ("a1", "b1", "a2", "b2")}
    assert all(len(of) == 1 for of in keys.values())
    assert keys["a1"] == keys["b1"] and keys["a2"] == keys["b2"] and keys["a1"] != keys["a2"]
    assert set(keys["a1"][0]) != {"0"}
    first = keys["a1"]
    fleet.api.revoke("a1>b1")
    wait_until("the keys to be gone", lambda: not _preshared("a1") and not _preshared("b1"))
    fleet.api.restore("a1>b1")
    wait_open(fleet, "a1", "b1")
    assert _preshared("a1") not in (first, []), "a new lease has a new key"


def test_rotation_by_time_loses_nothing(rotating: Lab) -> None:
    a1, b1 = rotating.node("a1"), rotating.node("b1")
    open_link(rotating, "a1", "b1", "50Mbit", "1GB", lease=lasting(20))
    _agreed(rotating, ("a1", "b1"))
    seen: set[str] = set()
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=500, count=3000) as sender:
        end = time.monotonic() + 6.2
        while time.monotonic() < end:
            seen.update(_preshared("a1"))
            time.sleep(0.1)
        sender.wait()
        time.sleep(0.3)
    assert sum(p.segments for p in arrivals(got, a1)) == 3000
    assert len(seen) >= 3, "the key did not change"


def test_rotation_by_volume(counting: Lab) -> None:
    a1, b1 = counting.node("a1"), counting.node("b1")
    open_link(counting, "a1", "b1", "50Mbit", "1GB", lease="20s")
    _agreed(counting, ("a1", "b1"))
    first = counting.api.link("a1>b1")["key"]["epoch"]
    time.sleep(2.5)
    assert counting.api.link("a1>b1")["key"]["epoch"] == first, "nothing was carried"
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=1000, count=2000):
        wait_until("the next epoch", lambda: (
            counting.api.link("a1>b1")["key"]["epoch"] != first), 5)
    assert arrivals(got, a1)


def test_no_byte_leaves_in_clear(rotating: Lab) -> None:
    """Boot, rotation, expiry, a crash and a revocation, with traffic all the time."""
    nodes = [rotating.node(name) for name in ("a1", "b1")]
    captures = [Capture(node.dpu, port, snap=2048) for node in nodes for port in node.ports]
    for capture in captures:
        capture.start()
    a1, b1 = nodes
    with UdpSender(a1, b1.v4, pps=300), UdpSender(b1, a1.v6, pps=300):
        open_link(rotating, "a1", "b1", "20Mbit", "1GB", lease="2s", back=True)
        time.sleep(2.5)  # two rotations
        rotating.api.revoke("a1>b1")
        time.sleep(0.3)
        rotating.api.restore("a1>b1")
        wait_open(rotating, "a1", "b1")
        rotating.processes.kill(agent_name("a1"))
        time.sleep(2.5)  # its lease expires
        rotating.start_agent("a1")
        wait_open(rotating, "a1", "b1", 30)
        rotating.processes.kill(agent_name("a1"))
        rotating.processes.kill(agent_name("b1"))
        for name in ("a1", "b1"):
            rotating.start_agent(name)
        wait_open(rotating, "a1", "b1", 30)
        time.sleep(1)
    for capture in captures:
        capture.stop()
    frames = [p for capture in captures for p in capture.packets]
    assert sum(len(p.frame) > 1000 for p in frames) > 500, "the tunnel carried nothing"
    assert not any(MARKER in p.frame for p in frames)


def _memory_holds(pid: int, needles: list[bytes]) -> bool:
    """Whether one of them stands anywhere in the process's memory."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, flags = line.split()[:2]
            if "r" not in flags or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except OSError:
                continue  # a mapping of nothing
            if any(needle in data for needle in needles):
                return True
    return False


def test_a_revoked_key_is_nowhere(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "10Mbit", "1GB", lease="20s")
    _agreed(fleet, ("a1", "b1"))
    key = bytes.fromhex(_preshared("a1")[0])
    needles = [key, key.hex().encode(), base64.b64encode(key)[:42]]
    agents = {node: fleet.processes.pid(agent_name(node)) for node in ("a1", "b1")}
    assert _memory_holds(agents["a1"], needles), "the search finds nothing even when it is there"
    assert not _memory_holds(fleet.processes.pid(CONTROLLER), needles), "the controller has it"
    fleet.api.revoke("a1>b1")
    wait_until("the keys to be gone", lambda: not _preshared("a1") and not _preshared("b1"))
    time.sleep(0.5)
    for pid in [*agents.values(), fleet.processes.pid(CONTROLLER)]:
        assert not _memory_holds(pid, needles)
    for path in fleet.run_directory.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(needle in data for needle in needles), path


def test_key_memory_is_locked_and_not_dumped(fleet: Lab) -> None:
    for name in (agent_name("a1"), CONTROLLER):
        pid = fleet.processes.pid(name)
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        locked = next(line for line in status.splitlines() if line.startswith("VmLck"))
        assert int(locked.split()[1]) > 0
        limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]

"""Join tokens: one use, one controller, one hour; anything else is refused in words."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Iterator

import pytest
from lab import checks, netns, processes
from lab.lab import CONTROLLER, Lab

SPARE = "spare"
HOST = "sltest-host"


@pytest.fixture(name="token")
def _token(fleet: Lab) -> Iterator[str]:
    """A token of a node that is announced and has not joined."""
    if SPARE in fleet.api.nodes():
        fleet.api.call("DELETE", f"/api/v1/nodes/{SPARE}")
    answer = fleet.api.call("POST", "/api/v1/nodes", {
        "name": SPARE, "enclosure": "west", "prefixes": ["10.77.0.0/24"]})
    yield answer["token"]
    fleet.api.call("DELETE", f"/api/v1/nodes/{SPARE}")


@pytest.fixture(name="host")
def _host(fleet: Lab) -> Iterator[str]:
    """A machine on the fabric that is no node yet; it has ports of its own."""
    netns.call(["ip", "netns", "delete", HOST], check=False)
    netns.call(["ip", "netns", "add", HOST])
    try:
        netns.ip_batch([f"link add acc0 netns {HOST} type veth peer name acc1 netns {HOST}",
                        f"link add fab0 mtu 1600 netns {HOST} type veth peer name spare "
                        "mtu 1600 netns sw-leaf1"])
        netns.ip_batch(["link set spare master br0", "link set spare up"], "sw-leaf1")
        netns.ip_batch(["link set lo up", "addr add 10.77.0.1/24 dev acc0", "link set acc0 up",
                        "addr add 172.31.1.200/24 dev fab0", "link set fab0 up"], HOST)
        yield HOST
    finally:
        processes.end_all(netns.pids(HOST))
        # Its namespace goes when the kernel finds the time; the cable's end would stand in
        # the next test's way.
        netns.run("sw-leaf1", "ip", "link", "delete", "spare", check=False)
        netns.call(["ip", "netns", "delete", HOST], check=False)


def _agent(command: str, fleet: Lab, base: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the agent on the machine that is no node yet."""
    words = [str(checks.binaries() / "sluice-agent"), command,
             "--state-dir", str(base / "state"), "--run-dir", str(base / "run"),
             "--accelerator-port", "acc0", "--fabric-port", "fab0",
             "--tunnel-device", "slu-spare", "--control-device", "slc-spare",
             "--pin-dir", str(fleet.pin_directory / SPARE), *more]
    for part in ("state", "run"):
        (base / part).mkdir(parents=True, exist_ok=True)
    return subprocess.run(netns.command(HOST, *words), capture_output=True, text=True, timeout=40,
                          check=False)


def _join(fleet: Lab, base: Path, token: str) -> subprocess.CompletedProcess[str]:
    return _agent("join", fleet, base, f"--token={token}")


def test_a_token_joins_once(fleet: Lab, host: str, token: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    done = _join(fleet, first, token)
    assert done.returncode == 0, done.stderr
    keys = [f for f in (first / "state").rglob("*") if f.is_file()]
    assert keys and all(f.stat().st_mode & 0o077 == 0 for f in keys)
    again = _join(fleet, second, token)
    assert again.returncode == 1
    assert "used" in again.stderr and "node add" in again.stderr
    run = _agent("run", fleet, second)
    assert run.returncode == 1 and "join" in run.stderr, "it must not run without a fleet"


def test_mistyped_token(fleet: Lab, host: str, token: str, tmp_path: Path) -> None:
    swapped = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    began = time.monotonic()
    for wrong in (swapped, token[:-1], "sluice1.", "", "x" * 4000, "sluice2" + token[7:]):
        done = _join(fleet, tmp_path, wrong)
        assert done.returncode in (1, 2)
        assert "token" in done.stderr
    assert time.monotonic() - began < 15, "typing errors are found without the network"


def test_token_of_nobody(fleet: Lab, host: str, token: str, tmp_path: Path) -> None:
    """Well formed, right controller, but a secret that the controller never gave out."""
    done = _join(fleet, tmp_path, _remade(token, s=base64.b64encode(os.urandom(32)).decode()))
    assert done.returncode == 1
    assert "token" in done.stderr
    assert fleet.api.nodes()[SPARE]["state"] == "pending"


def test_token_that_pins_another_controller(fleet: Lab, host: str, token: str,
                                            tmp_path: Path) -> None:
    done = _join(fleet, tmp_path, _remade(token, k=base64.b64encode(os.urandom(32)).decode()))
    assert done.returncode == 1
    assert fleet.api.nodes()[SPARE]["state"] == "pending"


def _remade(token: str, **changes: str) -> str:
    """The token with other contents and a checksum that fits."""
    kind, body, _ = token.split(".")
    held = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert set(changes) <= set(held)
    held.update(changes)
    text = json.dumps(held, separators=(",", ":")).encode()
    head = f"{kind}.{base64.urlsafe_b64encode(text).decode().rstrip('=')}"
    return f"{head}.{hashlib.sha256(head.encode()).hexdigest()[:8]}"


def test_token_that_expired(fleet: Lab, host: str, tmp_path: Path) -> None:
    fleet.processes.stop(CONTROLLER)
    fleet.start_controller("--token-lifetime", "1s")
    try:
        answer = fleet.api.call("POST", "/api/v1/nodes", {
            "name": SPARE, "enclosure": "west", "prefixes": ["10.77.0.0/24"]})
        time.sleep(1.5)
        done = _join(fleet, tmp_path, answer["token"])
        assert done.returncode == 1
        assert "expired" in done.stderr and "node add" in done.stderr
        assert fleet.api.nodes()[SPARE]["state"] == "pending"
    finally:
        fleet.api.call("DELETE", f"/api/v1/nodes/{SPARE}")
        fleet.processes.stop(CONTROLLER)


def test_removed_node_is_out(fleet: Lab, host: str, token: str, tmp_path: Path) -> None:
    """A token of a node that was removed meanwhile does not join."""
    fleet.api.call("DELETE", f"/api/v1/nodes/{SPARE}")
    try:
        done = _join(fleet, tmp_path, token)
        assert done.returncode == 1
        assert SPARE not in fleet.api.nodes()
    finally:
        fleet.api.call("POST", "/api/v1/nodes", {"name": SPARE, "enclosure": "west",
                                                 "prefixes": ["10.77.0.0/24"]})

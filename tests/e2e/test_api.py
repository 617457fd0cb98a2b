"""Bad input gets a clear error that says what to do; nothing is lost and nothing opened."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest
from lab import checks, netns
from lab.api import ApiError, quote
from lab.lab import AGENT_CONTROL_PORT, CONTROL_PORT, CONTROLLER, TUNNEL_PORT, Lab, agent_name
from lab.scenario import open_link
from lab.traffic import ping

GOOD = {"rate": "10Mbit", "volume": "1GB", "per": "lifetime", "lease": "5s"}
GRPC = ("fd73:6c75:6963:6500::1", 7443)


@pytest.mark.parametrize("link, change, field", [
    ("a1>b1", {"rate": "fast"}, "rate"),
    ("a1>b1", {"rate": "-1Mbit"}, "rate"),
    ("a1>b1", {"rate": -5}, "rate"),
    ("a1>b1", {"rate": "1kbit"}, "rate"),
    ("a1>b1", {"rate": "401Gbit"}, "rate"),
    ("a1>b1", {"rate": "18446744073709551616bit"}, "rate"),
    ("a1>b1", {"rate": "99999999999999999999999Gbit"}, "rate"),
    ("a1>b1", {"rate": 1e300}, "rate"),
    ("a1>b1", {"rate": None}, "rate"),
    ("a1>b1", {"rate": ["10Mbit"]}, "rate"),
    ("a1>b1", {"rate": "10Mb"}, "rate"),
    ("a1>b1", {"volume": "0B"}, "volume"),
    ("a1>b1", {"volume": "17EiB"}, "volume"),
    ("a1>b1", {"volume": "1.0000000001B"}, "volume"),
    ("a1>b1", {"volume": {}}, "volume"),
    ("a1>b1", {"per": "sometimes"}, "per"),
    ("a1>b1", {"per": "0s"}, "per"),
    ("a1>b1", {"lease": "1ms"}, "lease"),
    ("a1>b1", {"lease": "9999h"}, "lease"),
    ("a1>b1", {"burst": "1B"}, "burst"),
    ("a1>b1", {"speed": "10Mbit"}, "speed"),
    ("a1>nobody", {}, "link"),
    ("nobody>b1", {}, "link"),
    ("a1>a1", {}, "link"),
    ("a1", {}, "link"),
    ("a1>b1>a2", {}, "link"),
    ("a1>b1\n", {}, "link"),
    ("../../etc>b1", {}, "link"),
    ("a" * 5000 + ">b1", {}, "link"),
])
def test_malformed_quotas(fleet: Lab, link: str, change: dict[str, Any], field: str) -> None:
    with pytest.raises(ApiError) as error:
        fleet.api.call("PUT", f"/api/v1/quotas/{quote(link)}", {**GOOD, **change})
    assert error.value.status in (400, 404, 414)
    if error.value.status != 414:
        assert error.value.field == field
        assert len(error.value.message) > 10
    assert fleet.api.quotas() == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b"{}",
                                  b'{"rate":"1Mbit","rate":"2Mbit"', b"[" * 100_000,
                                  b'{"a":' * 50_000], ids=range(10))
def test_bodies_that_are_no_quota(fleet: Lab, body: bytes) -> None:
    status, text = _raw(fleet, "PUT", "/api/v1/quotas/a1%3Eb1", body)
    assert status in (400, 413)
    assert json.loads(text)["error"]["message"]
    assert fleet.api.quotas() == {}


def test_a_body_without_end(fleet: Lab) -> None:
    status, _ = _raw(fleet, "PUT", "/api/v1/quotas/a1%3Eb1", b" " * 20_000_000)
    assert status in (400, 413)
    assert fleet.api.nodes()


def _raw(fleet: Lab, method: str, path: str, body: bytes,
         token: str | None = None) -> tuple[int, bytes]:
    """Status 413 also stands for a server that hung up on a body too long."""
    if token is None:
        token = (fleet.control_directory() / "state" / "admin.token").read_text("ascii").strip()
    request = urllib.request.Request(fleet.api.base + path, data=body, method=method)
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (ConnectionError, urllib.error.URLError):
        return 413, b""


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "é"])
@pytest.mark.parametrize("method, path", [
    ("GET", "/api/v1/nodes"), ("GET", "/api/v1/links"), ("GET", "/api/v1/stream"),
    ("PUT", "/api/v1/quotas/a1%3Eb1"), ("POST", "/api/v1/nodes"),
    ("POST", "/api/v1/leases/a1%3Eb1/revoke"), ("DELETE", "/api/v1/nodes/a1")])
def test_wrong_admin_tokens(fleet: Lab, method: str, path: str, token: str) -> None:
    raw = token.encode().decode("latin-1")
    status, _ = _raw(fleet, method, path, json.dumps(GOOD).encode(), raw)
    assert status in ((401, 431, 400) if len(token) > 1000 else (401,))
    assert fleet.api.quotas() == {} and "a1" in fleet.api.nodes()


def test_admin_token_file_is_private(fleet: Lab) -> None:
    file = fleet.control_directory() / "state" / "admin.token"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_uid == 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/openapi.json"])
def test_open_to_all(fleet: Lab, path: str) -> None:
    with urllib.request.urlopen(fleet.api.base + path, timeout=5) as answer:
        text = answer.read()
    assert answer.status == 200
    if path.endswith("json"):
        described = json.loads(text)["paths"]
        for known in ("/api/v1/nodes", "/api/v1/quotas", "/api/v1/links", "/api/v1/leases"):
            assert known in described


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/api/v1/nothing", 404), ("GET", "/api/v2/nodes", 404),
    ("GET", "/api/v1/links/a1%3Enobody", 404), ("DELETE", "/api/v1/quotas/a1%3Eb1", 404),
    ("DELETE", "/api/v1/nodes/nobody", 404), ("GET", "/api/v1/links/%ff%fe", 400),
    ("POST", "/api/v1/leases/a1%3Eb1/restore", 404)])
def test_what_is_not_there(fleet: Lab, method: str, path: str, status: int) -> None:
    with pytest.raises(ApiError) as error:
        fleet.api.call(method, path, {} if method == "POST" else None)
    assert error.value.status in (status, 404)
    assert error.value.code != "unreadable"


@pytest.mark.parametrize("body", [
    {"name": "a1", "enclosure": "west"}, {"name": "Bad Name", "enclosure": "east"},
    {"name": "", "enclosure": "east"}, {"name": "n1"}, {"name": "n1", "enclosure": 7},
    {"name": "n1", "enclosure": "east", "prefixes": ["10.0.0.0/33"]},
    {"name": "n1", "enclosure": "east", "prefixes": ["10.1.1.0/24"]},
    {"name": "n1", "enclosure": "east", "role": "king"}])
def test_malformed_nodes(fleet: Lab, body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as error:
        fleet.api.call("POST", "/api/v1/nodes", body)
    assert error.value.status in (400, 409) and len(error.value.message) > 10
    assert set(fleet.api.nodes()) == {"a1", "a2", "b1", "b2", "gw"}


def test_garbage_on_every_socket(fleet: Lab) -> None:
    """Random bytes to the API, to gRPC inside a tunnel, and to all WireGuard ports, while
    a link is in use: it goes on, every daemon lives, every session stands."""
    a1 = fleet.node("a1")
    open_link(fleet, "a1", "b1", "10Mbit", "100MB", lease="5s", back=True)
    pids = {d: fleet.processes.pid(d) for d in (CONTROLLER, agent_name("a1"), agent_name("b1"))}
    for number in range(40):
        noise = os.urandom(1 + number * 150)
        _tcp_noise("", ("127.0.0.1", fleet.api_port), noise)
        _tcp_noise(a1.dpu, GRPC, noise)
        _tcp_noise(a1.dpu, GRPC, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + noise)
        for machine, port in ((fleet.plan.controller, CONTROL_PORT),
                              (fleet.node("b1"), TUNNEL_PORT),
                              (fleet.node("b1"), AGENT_CONTROL_PORT)):
            address = next(iter(machine.ports.values())).address
            with netns.make_socket(a1.dpu, socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for kind in (b"", b"\1\0\0\0", b"\2\0\0\0", b"\4\0\0\0"):
                    sender.sendto((kind + noise)[:1400], (address, port))
    assert ping(a1, fleet.node("b1").v4, count=5).received == 5
    assert pids == {d: fleet.processes.pid(d) for d in pids}
    assert {n["state"] for n in fleet.api.nodes().values()} == {"online"}


def _tcp_noise(namespace: str, target: tuple[str, int], noise: bytes) -> None:
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    made = (netns.make_socket(namespace, family, socket.SOCK_STREAM) if namespace
            else socket.socket(family, socket.SOCK_STREAM))
    with made:
        made.settimeout(2)
        try:
            made.connect(target)
            made.sendall(noise)
        except OSError:
            pass  # the other side may hang up at once


def test_grpc_is_only_inside_the_tunnel(fleet: Lab) -> None:
    address = fleet.plan.controller_address
    with netns.make_socket("ctl", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        with pytest.raises(OSError):
            client.connect((address, GRPC[1]))
    listening = netns.run("ctl", "ss", "-Hltn").stdout
    assert GRPC[0] in listening
    assert f"0.0.0.0:{GRPC[1]}" not in listening and f"*:{GRPC[1]}" not in listening


def test_clients_that_say_nothing(fleet: Lab) -> None:
    """Idle and half-spoken connections, more than the API has workers, delay an operator
    until their time is up, and no longer."""
    idle = []
    try:
        for number in range(20):
            client = socket.create_connection(("127.0.0.1", fleet.api_port), timeout=5)
            if number % 2:
                client.sendall(b"GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\n")
            idle.append(client)
        assert fleet.api.call("GET", "/api/v1/nodes", timeout=15)
    finally:
        for client in idle:
            client.close()


@pytest.mark.parametrize("words, said", [
    (("quota", "set", "a1>b1", "--rate", "fast", "--volume", "1GB"), "rate"),
    (("quota", "set", "a1>nobody", "--rate", "1Mbit", "--volume", "1GB"), "nobody"),
    (("quota", "set", "a1", "--rate", "1Mbit", "--volume", "1GB"), ">"),
    (("quota", "delete", "a1>b1"), "a1>b1"),
    (("node", "add", "a1", "--enclosure", "west"), "a1"),
    (("lease", "revoke", "a1>nobody"), "nobody"),
    (("frobnicate",), "subcommand")])
def test_sluicectl_refuses(fleet: Lab, words: tuple[str, ...], said: str) -> None:
    done = _ctl(fleet, *words)
    assert done.returncode in (1, 2) and said in done.stderr
    assert fleet.api.quotas() == {}


def test_sluicectl_reads_and_writes(fleet: Lab) -> None:
    done = _ctl(fleet, "quota", "set", "a1>b1", "--rate", "10Mbit", "--volume", "1GB", "--per",
                "24h", "--lease", "30s")
    assert done.returncode == 0, done.stderr
    quotas = json.loads(_ctl(fleet, "quota", "list", "-o", "json").stdout)["quotas"]
    assert [(q["link"], q["rate_bps"], q["volume_bytes"], q["lease_s"]) for q in quotas] == [
        ("a1>b1", 10_000_000, 1_000_000_000, 30)]
    for words in (("node", "list"), ("link", "list"), ("lease", "list"), ("quota", "list")):
        assert json.loads(_ctl(fleet, *words, "-o", "json").stdout)
        assert "a1" in _ctl(fleet, *words).stdout
    link = json.loads(_ctl(fleet, "link", "list", "-o", "json").stdout)["links"][0]
    for key in ("state", "rate_bps", "volume_used_bytes", "volume_left_bytes", "expires_in_s",
                "admitted_bytes", "admitted_packets", "drops", "sender", "receiver"):
        assert key in link
    assert _ctl(fleet, "quota", "delete", "a1>b1").returncode == 0


def _ctl(fleet: Lab, *words: str, token: str = "",
         api: str = "") -> subprocess.CompletedProcess[str]:
    file = token or str(fleet.control_directory() / "state" / "admin.token")
    return subprocess.run([str(checks.binaries() / "sluicectl"), "--api",
                           api or fleet.api.base, "--token-file", file, *words], capture_output=True, text=True,
                          timeout=20, check=False)


def test_sluicectl_without_token_or_controller(fleet: Lab) -> None:
    done = _ctl(fleet, "node", "list", token="/nonexistent")
    assert done.returncode == 2 and "/nonexistent" in done.stderr
    done = _ctl(fleet, "node", "list", api="http://127.0.0.1:1")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr

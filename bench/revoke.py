#!/usr/bin/env python3
"""How fast a link falls silent: after its lease's end, after a revocation of the link and
of the whole fleet, after tampering with a node, and after a node's agent was killed.

Brings a lab up, drives UDP over ten links at once and captures what arrives at the
accelerators. A time is that of the last packet that arrived after the event, 0 if none
did: so it says when the peer accepted the last one. "tampered, sent" is that of the last
packet that left the node. An agent is killed and its tunnel lives on: what stops its packets
then is the controller, which missed three heartbeats, and the peers' gates. Prints p50, p99
and the worst, and writes them with machine and kernel to bench/results/.

    ./run bench revoke
    ./run bench revoke --tries 20 --pps 1000
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import itertools
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "bench"))

import report as reports  # noqa: E402
from lab.api import wait_until  # noqa: E402
from lab.capture import Capture  # noqa: E402
from lab.lab import CONTROLLER, TUNNEL_PORT, Lab, agent_name  # noqa: E402
from lab.scenario import (arrivals, capture_arrivals, close_all, expiry_realtime_ns,  # noqa: E402
                          is_leased, open_link)
from lab.traffic import UdpSender  # noqa: E402
from svg_bars import Panel, render  # noqa: E402

NODES = ("a1", "a2", "b1", "b2")
LINKS = [(src, dst) for src in NODES for dst in NODES if src != dst][:10]
# What the project wants to reach, in ms.
AIMS = {"lease's end": 10.0, "link revoked": 100.0, "fleet stopped": 100.0,
        "tampered, sent": 5.0, "tampered": 100.0, "agent killed": 600.0}
SENSOR_KEY = "5a" * 32

Link = tuple[str, str]
Times = dict[str, list[float]]
victims = itertools.cycle(NODES[:3])  # those that send on three links


class Fleet:
    """A lab with traffic on all links while it is entered."""

    def __init__(self, lab: Lab, pps: float, lease: str) -> None:
        self.lab, self._pps = lab, pps
        for src, dst in LINKS:
            open_link(lab, src, dst, "100Mbit", "1TB", lease=lease)
        self._captures = {dst: capture_arrivals(lab.node(dst)) for dst in NODES}
        self._running = ExitStack()

    def __enter__(self) -> Fleet:
        for capture in self._captures.values():
            self._running.enter_context(capture)
        for src, dst in LINKS:
            self._running.enter_context(UdpSender(self.lab.node(src), self.lab.node(dst).v4,
                                                  pps=self._pps, ip_bytes=300))
        time.sleep(1.5)  # the tunnels' handshakes are over
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def last_after(self, event_ns: dict[Link, int], until_ns: dict[Link, int]) -> dict[Link, float]:
        """ms from each link's event to the last packet that arrived before `until`."""
        last = {}
        for link, event in event_ns.items():
            src, dst = link
            times = [p.time_ns for p in arrivals(self._captures[dst], self.lab.node(src))]
            if not any(t < event for t in times):
                raise SystemExit(f"nothing arrived on {src}>{dst} before the event")
            late = [t for t in times if event <= t < until_ns[link]]
            last[link] = (max(late) - event) / 1e6 if late else 0.0
        return last


def expiry(lab: Lab, pps: float) -> Times:
    """The controller stands still, so nothing is renewed and nobody is told."""
    pid = lab.processes.pid(CONTROLLER)
    assert pid is not None
    with Fleet(lab, pps, lease="1s") as fleet:
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(0.15)  # what was granted before has arrived
            ends = {link: expiry_realtime_ns(lab, *link) for link in LINKS}
            time.sleep(1.2)
        finally:
            resumed = time.time_ns()
            os.kill(pid, signal.SIGCONT)
    lab.wait_online()
    return {"lease's end": list(fleet.last_after(ends, dict.fromkeys(LINKS, resumed)).values())}


def revoke_link(lab: Lab, pps: float) -> Times:
    asked = {}
    with Fleet(lab, pps, lease="20s") as fleet:
        for src, dst in LINKS:
            asked[src, dst] = time.time_ns()
            lab.api.revoke(f"{src}>{dst}", "benchmark")
            time.sleep(0.05)
        time.sleep(0.3)
        until = time.time_ns()
    return {"link revoked": list(fleet.last_after(asked, dict.fromkeys(LINKS, until)).values())}


def stop_fleet(lab: Lab, pps: float) -> Times:
    with Fleet(lab, pps, lease="20s") as fleet:
        asked = time.time_ns()
        lab.api.revoke_scope("fleet", "benchmark")
        time.sleep(0.5)
        until = time.time_ns()
    return {"fleet stopped": list(fleet.last_after(dict.fromkeys(LINKS, asked),
                                                   dict.fromkeys(LINKS, until)).values())}


def _sensor_socket(lab: Lab, node: str) -> Path:
    return lab.node_directory(node) / "lid.sock"


def _with_sensors(lab: Lab) -> None:
    """A controller that minds silent nodes, and agents that listen to a sensor."""
    lab.processes.stop(CONTROLLER)
    lab.start_controller("--dark-node", "suspend")
    for node in NODES:
        lab.processes.stop(agent_name(node))
        _start_agent(lab, node)
    lab.wait_online(30)


def _start_agent(lab: Lab, node: str) -> None:
    key = lab.node_directory(node) / "lid.key"
    key.write_text(SENSOR_KEY)
    key.chmod(0o600)
    lab.start_agent(node, more=("--tamper-socket", f"{_sensor_socket(lab, node)}:{key}"))


def _tamper_message() -> bytes:
    """As docs/tamper.md has it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    body = f"sluice-tamper/1 {boot} {now} tamper the lid is open"
    code = hmac.new(bytes.fromhex(SENSOR_KEY), body.encode(), hashlib.sha256).hexdigest()
    return f"{code} {body}".encode()


def tamper(lab: Lab, pps: float) -> Times:
    victim = next(victims)
    links = [link for link in LINKS if link[0] == victim]
    node = lab.node(victim)
    with Fleet(lab, pps, lease="20s") as fleet, Capture(node.dpu, "fab0") as fabric, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sensor:
        time.sleep(0.2)
        message = _tamper_message()
        at = time.time_ns()
        sensor.sendto(message, str(_sensor_socket(lab, victim)))
        time.sleep(0.7)
        until = time.time_ns()
    left = [p.time_ns for p in fabric.packets if p.outgoing and p.src_port == TUNNEL_PORT
            and p.wire_bytes > 200]
    if not any(t < at for t in left):
        raise SystemExit(f"nothing left {victim} before the event")
    lab.ctl("node", "readmit", victim)
    lab.wait_online(30)
    accepted = fleet.last_after(dict.fromkeys(links, at), dict.fromkeys(links, until))
    return {"tampered, sent": [max(0.0, (max(left) - at) / 1e6)],
            "tampered": list(accepted.values())}


def kill_agent(lab: Lab, pps: float) -> Times:
    victim = next(victims)
    links = [link for link in LINKS if link[0] == victim]
    with Fleet(lab, pps, lease="20s") as fleet:
        at = time.time_ns()
        lab.processes.kill(agent_name(victim))
        time.sleep(1.5)
        until = time.time_ns()
    _start_agent(lab, victim)
    lab.wait_online(30)
    return {"agent killed": list(fleet.last_after(dict.fromkeys(links, at),
                                                  dict.fromkeys(links, until)).values())}


# What is measured by whom; and what must be true of the lab before.
MEASURES: list[tuple[tuple[str, ...], Callable[[Lab, float], Times]]] = [
    (("lease's end",), expiry), (("link revoked",), revoke_link), (("fleet stopped",), stop_fleet),
    (("tampered, sent", "tampered"), tamper), (("agent killed",), kill_agent)]


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _summary(event: str, values: list[float]) -> dict[str, Any]:
    return {"event": event, "tries": len(values), "p50_ms": round(_percentile(values, 0.5), 2),
            "p99_ms": round(_percentile(values, 0.99), 2), "worst_ms": round(max(values), 2),
            "aim_ms": AIMS[event], "values_ms": [round(v, 3) for v in values]}


def _measure(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    lab = Lab(progress=lambda text: print(f"lab: {text}", file=sys.stderr))
    lab.up()
    values: Times = {event: [] for event in AIMS}
    try:
        for events, measure in MEASURES:
            if measure is tamper:
                _with_sensors(lab)
            while len(values[events[0]]) < arguments.tries:
                print(f"{events[-1]}: {len(values[events[0]])} of {arguments.tries}",
                      file=sys.stderr)
                for event, found in measure(lab, arguments.pps).items():
                    values[event] += found
                close_all(lab)
                wait_until("silence", lambda: not any(is_leased(lab, *link) for link in LINKS), 10)
    finally:
        lab.down()
    return [_summary(event, found) for event, found in values.items()]


def _plot(figures: list[dict[str, Any]]) -> str:
    groups = {f["event"]: {"p50": f["p50_ms"], "p99": f["p99_ms"]} for f in figures}
    return render("From an event to the last packet that the peer accepted",
                  f"{figures[0]['tries']} tries each, ten links at once", ["p50", "p99"],
                  [Panel("silent after", "ms", groups)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tries", type=int, default=100, help="of each event")
    parser.add_argument("--pps", type=float, default=500, help="packets/s on each link")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    figures = _measure(arguments)
    print(f"{'event':<16} {'tries':>5} {'p50 ms':>8} {'p99 ms':>8} {'worst ms':>9} {'aim ms':>7}")
    for f in figures:
        print(f"{f['event']:<16} {f['tries']:>5} {f['p50_ms']:>8} {f['p99_ms']:>8} "
              f"{f['worst_ms']:>9} {f['aim_ms']:>7}")
    reports.write(arguments.output, {"benchmark": "revoke", "machine": reports.machine(),
                                     "pps": arguments.pps, "figures": figures}, _plot(figures))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What Sluice costs a link that is encrypted anyway.

Measures TCP's throughput (one flow and four) and the round trip of a ping through
  sluice        a link of the lab: lease, gate, shaper and tunnel
  bare tunnel   the same path and the same kind of tunnel, made by hand, nothing else
  no tunnel     the same path, routed in clear
The paths stand beside each other and take turns in every round, so a machine whose speed
wanders still gives fair ratios. Writes bench/results/tunnel-<kernel>.json and .svg.

Needs root, iperf3 and wireguard-go. Not a test: it asserts nothing.

    ./run bench tunnel
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.report import machine, write  # noqa: E402
from bench.svg_bars import Panel, render  # noqa: E402
from lab import checks, netns, network  # noqa: E402
from lab import plan as plans  # noqa: E402
from lab.api import wait_until  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.journal import Journal  # noqa: E402
from lab.lab import WIREGUARD_SOCKETS, Lab  # noqa: E402
from lab.plan import Machine  # noqa: E402
from lab.processes import end_all  # noqa: E402
from lab.scenario import wait_open  # noqa: E402
from lab.traffic import ping  # noqa: E402

VARIANTS = ("sluice", "bare tunnel", "no tunnel")
METRICS = {"tcp1": ("TCP, one flow", "Gbit/s"), "tcp4": ("TCP, four flows", "Gbit/s"),
           "ping": ("round trip", "ms")}
RATE = "100Gbit"  # more than the machine can do: the lease is not what bounds
PORT = 51820
# The lab's plan, in miniature: as many hops as between a1 and b1.
PLAN = """graph bench {
  "%(x)s1" [enclosure="east"]; "%(x)s2" [enclosure="west"]; "%(x)sc" [role=controller];
  "%(x)sl1" [role=switch]; "%(x)sl2" [role=switch];
  "%(x)s1":"fab0" -- "%(x)sl1":"p1"; "%(x)s2":"fab0" -- "%(x)sl2":"p1";
  "%(x)sc":"fab0" -- "%(x)sl1":"p2"; "%(x)sl1":"p3" -- "%(x)sl2":"p2";
}
"""


class Route:
    """A way from one accelerator to another, and what was measured on it."""

    def __init__(self, variant: str, src: Machine, dst: Machine) -> None:
        self.variant, self.src, self.dst = variant, src, dst
        self.values: dict[str, list[float]] = {metric: [] for metric in METRICS}
        self._server = subprocess.Popen(netns.command(dst.acc, "iperf3", "-s", "-p", "5201"),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def measure(self, seconds: float) -> None:
        for metric, flows in (("tcp1", 1), ("tcp4", 4)):
            self.values[metric].append(self._tcp(flows, seconds))
        echo = ping(self.src, self.dst.v4, count=100, interval=0.01)
        self.values["ping"].append(echo.mean_ms)

    def _tcp(self, flows: int, seconds: float) -> float:
        done = netns.run(self.src.acc, "iperf3", "-c", self.dst.v4, "-p", "5201", "-P", str(flows),
                         "-t", str(seconds), "-O", "1", "-J", timeout=seconds + 30)
        return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9

    def close(self) -> None:
        self._server.kill()
        self._server.wait()


class Bare:
    """A plan's namespaces without any agent, routed in clear or through WireGuard."""

    def __init__(self, letter: str, directory: Path) -> None:
        file = directory / f"{letter}.dot"
        file.write_text(PLAN % {"x": letter})
        self.plan = plans.load(file)
        self.journal = Journal(directory / letter)
        self.journal.lock()
        network.refuse_foreign(self.plan)
        network.build(self.plan, self.journal)
        self.ends = [n for n in self.plan.nodes]
        for node in self.ends:
            netns.set_sysctls(node.dpu, {"ipv4/ip_forward": "1"})

    def in_clear(self) -> None:
        for node, other in (self.ends, self.ends[::-1]):
            netns.ip_batch([f"route add {other.v4_net}.0/24 via {other.ports['fab0'].address}"],
                           node.dpu)

    def through_wireguard(self) -> None:
        secrets = [os.urandom(32) for _ in self.ends]
        for node in self.ends:
            netns.run(node.dpu, "wireguard-go", f"slw-{node.name}")
            netns.ip_batch([f"link set slw-{node.name} mtu {self.plan.fabric_mtu - 80} up"],
                           node.dpu)
        publics = []
        for node, secret in zip(self.ends, secrets):
            publics.append(_public(secret))
            _uapi(node, f"private_key={secret.hex()}\nlisten_port={PORT}\n")
        for (node, other), key in zip((self.ends, self.ends[::-1]), publics[::-1]):
            _uapi(node, f"public_key={key.hex()}\n"
                        f"endpoint={other.ports['fab0'].address}:{PORT}\n"
                        f"allowed_ip={other.v4_net}.0/24\n")
            netns.ip_batch([f"route add {other.v4_net}.0/24 dev slw-{node.name}"], node.dpu)

    def remove(self) -> None:
        end_all([pid for name in self.plan.namespaces for pid in netns.pids(name)])
        netns.ip_batch(f"netns delete {name}" for name in self.plan.namespaces)
        for node in self.ends:
            (WIREGUARD_SOCKETS / f"slw-{node.name}.sock").unlink(missing_ok=True)
        self.journal.unlock()


def _uapi(node: Machine, lines: str) -> None:
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(WIREGUARD_SOCKETS / f"slw-{node.name}.sock"))
        asked.sendall(f"set=1\n{lines}\n".encode())
        if b"errno=0" not in asked.recv(4096):
            raise LabError(f"wireguard-go of {node.name} refused its configuration")


def _public(secret: bytes) -> bytes:
    """The X25519 public key, by the openssl program: Python has none."""
    der = bytes.fromhex("302e020100300506032b656e04220420") + secret
    pem = b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"
    done = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem,
                          capture_output=True, check=True)
    return done.stdout[-32:]


def _measure(rounds: int, seconds: float) -> list[Route]:
    lab = Lab(progress=lambda text: print(f"lab: {text}", file=sys.stderr))
    lab.up()
    bare: list[Bare] = []
    paths: list[Route] = []
    try:
        with tempfile.TemporaryDirectory() as directory:
            for letter in ("bw", "bn"):
                bare.append(Bare(letter, Path(directory)))
            bare[0].through_wireguard()
            bare[1].in_clear()
            for src, dst in (("a1", "b1"), ("b1", "a1")):
                lab.api.set_quota(f"{src}>{dst}", RATE, "1EB", "lifetime", "30s")
                wait_open(lab, src, dst)
            ends = [(lab.node("a1"), lab.node("b1")), *(tuple(b.ends) for b in bare)]
            paths = [Route(variant, *pair) for variant, pair in zip(VARIANTS, ends)]
            for path in paths:
                wait_until(f"a ping over {path.variant}", lambda p=path: netns.run(
                    p.src.acc, "ping", "-c1", "-W1", p.dst.v4, check=False).returncode == 0, 15)
            for number in range(rounds):
                print(f"round {number + 1} of {rounds}", file=sys.stderr)
                for offset in range(len(paths)):  # nobody is always the first
                    paths[(number + offset) % len(paths)].measure(seconds)
    finally:
        for path in paths:
            path.close()
        for one in bare:
            one.remove()
        lab.down()
    return paths


def _results(paths: list[Route]) -> list[dict[str, Any]]:
    base = next(p for p in paths if p.variant == "bare tunnel")
    return [{"variant": path.variant, "metric": metric, "unit": METRICS[metric][1],
             "median": statistics.median(values),
             # Ratios are of the same round: what wanders between rounds cancels out.
             "ratio_to_bare_tunnel": statistics.median(
                 v / b for v, b in zip(values, base.values[metric])),
             "values": [round(v, 4) for v in values]}
            for path in paths for metric, values in path.values.items()]


def _plot(report: dict[str, Any]) -> str:
    panels = []
    for metric, (title, unit) in METRICS.items():
        rows = [row for row in report["results"] if row["metric"] == metric]
        panels.append(Panel(title, unit, {"": {row["variant"]: row["median"] for row in rows}}))
    on = report["machine"]
    return render("A leased link against the same tunnel without Sluice",
                  f"Linux {on['kernel']}, {on['cpus']} × {on['cpu']}; medians of "
                  f"{report['rounds']} interleaved rounds", list(VARIANTS), panels)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    try:
        checks.check_root("benchmark")
        report: dict[str, Any] = {"benchmark": "tunnel", "machine": machine(),
                                  "rounds": arguments.rounds, "seconds": arguments.seconds}
        report["results"] = _results(_measure(arguments.rounds, arguments.seconds))
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    for row in report["results"]:
        print(f"{row['variant']:<12} {METRICS[row['metric']][0]:<16} {row['median']:>9.3f} "
              f"{row['unit']:<7} × {row['ratio_to_bare_tunnel']:.3f} of the bare tunnel")
    write(arguments.output, report, _plot(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())

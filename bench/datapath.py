#!/usr/bin/env python3
"""What the gate costs real forwarding, side by side with the alternatives.

For 1, 1,000 and 10,000 leases, forwards traffic through one router each:
  no gate         plain forwarding
  gate            Sluice's gate: spoofing, link, expiry, volume, for each packet
  gate + clock    the same with the queue's clock of each lease, and the hook that runs it
  HTB + u32       an HTB class per destination, u32 filters one after the other
  HTB + u32 hash  the same with u32's hash tables, as one who knows them would
  nft quota       an nftables quota object per destination, found by a map
and measures packets/s of 64-byte and 1500-byte UDP, spread over all destinations, from
one sending CPU, and TCP's throughput to one destination in the middle. The routers are
all there at once and take turns in every round, so that a machine whose speed wanders
still gives fair ratios. Writes bench/results/datapath-<kernel>.json and .svg.

Needs root, iperf3, nftables, iproute2, and the built sluice-gate-bench and
sluice-udp-flood. Not a test: it asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.report import machine, write  # noqa: E402
from bench.svg_bars import Panel, render  # noqa: E402
from lab import checks, netns, processes  # noqa: E402
from lab.errors import LabError  # noqa: E402

VARIANTS = ("no gate", "gate", "gate + clock", "HTB + u32", "HTB + u32 hash", "nft quota")
METRICS = {"udp64": ("UDP, 64 bytes", "Mpacket/s"), "udp1500": ("UDP, 1500 bytes", "Mpacket/s"),
           "tcp": ("TCP, one flow", "Gbit/s")}
ROUTER_MAC, SINK_MAC = "02:00:00:00:01:01", "02:00:00:00:01:02"
UNENDING = "400000000000"  # bit/s: the clocks run and never refuse
FIRST = ("nice", "-n", "-20")  # what else runs on the machine should disturb little
U32_TABLE_LIMIT = 4000  # filters that fit under one u32 priority


@dataclass
class Router:
    """One variant: source -> router -> sink, in three namespaces."""

    variant: str
    leases: int
    gate: subprocess.Popen[str] | None = None
    values: dict[str, list[float]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, str, str]:
        index = VARIANTS.index(self.variant)
        return f"slb{index}-src", f"slb{index}-rt", f"slb{index}-dst"

    def address(self, index: int) -> str:
        return f"20.{index >> 8}.{index & 255}.1"

    def build(self) -> None:
        self.lay_out()
        {"no gate": lambda: None, "gate": lambda: self._gate(),
         "gate + clock": lambda: self._gate("--out", "out0", "--rate", UNENDING), "HTB + u32": self._htb_linear,
         "HTB + u32 hash": self._htb_hashed, "nft quota": self._nft_quota}[self.variant]()
        self.check()

    def check(self) -> None:
        netns.run(self.names[0], "ping", "-c", "1", "-W", "5", self.address(self.leases // 2))

    def lay_out(self) -> None:
        """Namespaces, cables, addresses and routes; the sink drops the floods early."""
        source, router, sink = self.names
        netns.ip_batch([f"netns add {name}" for name in self.names])
        netns.ip_batch([
            f"link add eth0 netns {source} type veth peer name in0 netns {router}",
            f"link add out0 address {ROUTER_MAC} netns {router} type veth "
            f"peer name eth0 address {SINK_MAC} netns {sink}"])
        netns.set_sysctls(router, {"ipv4/ip_forward": "1", "ipv4/conf/all/rp_filter": "0",
                                   "ipv4/conf/default/rp_filter": "0"})
        netns.ip_batch(["link set lo up", "addr add 10.0.0.2/24 dev eth0", "link set eth0 up",
                        "route add default via 10.0.0.1"], source)
        netns.ip_batch(["link set lo up", "addr add 10.0.0.1/24 dev in0", "link set in0 up",
                        "addr add 10.0.1.1/24 dev out0", "link set out0 up",
                        # The gate takes out0 for a tunnel: no ARP passes there.
                        f"neigh replace 10.0.1.2 lladdr {SINK_MAC} dev out0",
                        "route add 20.0.0.0/8 via 10.0.1.2"], router)
        netns.ip_batch(["link set lo up", "addr add 10.0.1.2/24 dev eth0", "link set eth0 up",
                        f"neigh replace 10.0.1.1 lladdr {ROUTER_MAC} dev eth0",
                        f"addr add {self.address(self.leases // 2)}/32 dev eth0",
                        "route add default via 10.0.1.1"], sink)
        netns.run(sink, "nft", "-f", "-", stdin="""
table netdev bench {
  chain arriving {
    type filter hook ingress device "eth0" priority 0; policy accept;
    udp dport 9 drop
  }
}
""")

    def _gate(self, *more: str) -> None:
        self.gate = subprocess.Popen(
            netns.command(self.names[1], _tool("sluice-gate-bench"), "serve", "--port", "in0",
                          "--leases", str(self.leases), *more),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.gate.stdout is not None
        if "ready" not in self.gate.stdout.readline():
            raise LabError("sluice-gate-bench did not start")

    def _classes(self) -> list[str]:
        return ["qdisc add dev out0 root handle 1: htb", *(
            f"class add dev out0 parent 1: classid 1:{i + 1:x} htb rate 34gbit "
            "burst 4mb cburst 4mb quantum 60000" for i in range(self.leases))]

    def _htb_linear(self) -> None:
        self._tc(self._classes() + [
            f"filter add dev out0 parent 1: protocol ip prio {1 + i // U32_TABLE_LIMIT} u32 "
            f"match ip dst {self.address(i)} flowid 1:{i + 1:x}" for i in range(self.leases)])

    def _htb_hashed(self) -> None:
        table = "filter add dev out0 parent 1: protocol ip prio 1"
        lines = self._classes() + [f"{table} handle 2: u32 divisor 256"]
        lines += [f"{table} u32 ht 2:{i & 255:x}: match ip dst {self.address(i)} "
                  f"flowid 1:{i + 1:x}" for i in range(self.leases)]
        lines.append(f"{table} u32 ht 800:: match ip dst 20.0.0.0/8 "
                     "hashkey mask 0x0000ff00 at 16 link 2:")
        self._tc(lines)

    def _nft_quota(self) -> None:
        quotas = "\n".join(f"  quota q{i} {{ over 1000000000 mbytes }}"
                           for i in range(self.leases))
        pairs = ",\n".join(f"{self.address(i)} : \"q{i}\"" for i in range(self.leases))
        netns.run(self.names[1], "nft", "-f", "-", timeout=120, stdin=f"""
table ip bench {{
{quotas}
  map quota_of {{ type ipv4_addr : quota; elements = {{ {pairs} }} }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    quota name ip daddr map @quota_of drop
  }}
}}
""")

    def _tc(self, lines: list[str]) -> None:
        netns.run(self.names[1], "tc", "-batch", "-", stdin="\n".join(lines) + "\n", timeout=300)

    def measure(self, seconds: float) -> None:
        for size in (64, 1500):
            self._add(f"udp{size}", self._flood(size, seconds) / 1e6)
        self._add("tcp", self._tcp(seconds) / 1e9)

    def _add(self, metric: str, value: float) -> None:
        self.values.setdefault(metric, []).append(value)

    def _flood(self, size: int, seconds: float) -> float:
        """Packets per second that reached the sink."""
        source, router, sink = self.names
        mac = json.loads(netns.run(router, "ip", "-j", "link", "show", "in0").stdout)[0]["address"]
        before = _received(sink)
        netns.run(source, *FIRST, _tool("sluice-udp-flood"), "--interface", "eth0", "--to-mac", mac,
                  "--destinations", str(self.leases), "--bytes", str(size),
                  "--seconds", str(seconds))
        count = _received(sink) - before
        if count < 10:
            raise LabError(f"{self.variant} with {self.leases} leases forwarded only {count} "
                           "packets: it was not set up as meant")
        return count / seconds

    def _tcp(self, seconds: float) -> float:
        source, _, sink = self.names
        address = self.address(self.leases // 2)
        server = subprocess.Popen(netns.command(sink, *FIRST, "iperf3", "-s", "-1", "-B", address),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                if netns.run(sink, "ss", "-Hltn", "sport = :5201").stdout:
                    break
                time.sleep(0.01)
            done = netns.run(source, *FIRST, "iperf3", "-c", address, "-J", "-t",
                             str(max(1, round(seconds))), timeout=60)
            return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"]
        finally:
            server.kill()
            server.wait()

    def remove(self) -> None:
        if self.gate is not None and self.gate.stdin is not None:
            self.gate.stdin.close()
            self.gate.wait(10)
        for name in self.names:
            if netns.exists(name):
                processes.end_all(netns.pids(name))
                netns.call(["ip", "netns", "delete", name], check=False)


def _tool(name: str) -> str:
    path = checks.binaries() / name
    if not path.exists():
        raise LabError(f"{name} not found in {path.parent}; build with `./run build`, or set "
                       "SLUICE_BIN to where it is")
    return str(path)


def _received(namespace: str) -> int:
    shown = json.loads(netns.run(namespace, "ip", "-s", "-j", "link", "show", "eth0").stdout)
    return shown[0]["stats64"]["rx"]["packets"]


def _measure(leases: int, rounds: int, seconds: float) -> list[Router]:
    routers = [Router(variant, leases) for variant in VARIANTS]
    try:
        for router in routers:
            router.remove()
            print(f"{leases:,} leases: setting up {router.variant}", file=sys.stderr)
            router.build()
        for number in range(rounds):
            print(f"{leases:,} leases: round {number + 1} of {rounds}", file=sys.stderr)
            # Each round begins with another, so that none always follows the same one.
            for offset in range(len(routers)):
                routers[(number + offset) % len(routers)].measure(seconds)
    finally:
        for router in routers:
            router.remove()
    return routers


def _results(routers: list[Router]) -> list[dict[str, Any]]:
    base = {(r.leases, m): v for r in routers if r.variant == "no gate"
            for m, v in r.values.items()}
    rows = []
    for router in routers:
        for metric, values in router.values.items():
            # Ratios are of the same round: what wanders between rounds cancels out.
            ratio = [v / b for v, b in zip(values, base[router.leases, metric])]
            rows.append({"variant": router.variant, "leases": router.leases, "metric": metric,
                         "unit": METRICS[metric][1], "median": statistics.median(values),
                         "ratio_to_no_gate": statistics.median(ratio),
                         "values": [round(v, 4) for v in values]})
    return rows


def _gate_ns() -> list[dict[str, Any]]:
    done = netns.call([_tool("sluice-gate-bench"), "ns"], timeout=300)
    return json.loads(done.stdout)["results"]


def _plot(report: dict[str, Any]) -> str:
    panels = []
    for metric, (title, unit) in METRICS.items():
        groups: dict[str, dict[str, float]] = {}
        for row in report["results"]:
            if row["metric"] == metric:
                group = groups.setdefault(f"{row['leases']:,} lease{'s' * (row['leases'] > 1)}", {})
                group[row["variant"]] = row["median"]
        panels.append(Panel(title, unit, groups))
    on = report["machine"]
    return render("Forwarding through the gate and its alternatives",
                  f"Linux {on['kernel']}, {on['cpus']} × {on['cpu']}; medians of "
                  f"{report['rounds']} interleaved rounds", list(VARIANTS), panels)


def _print(report: dict[str, Any]) -> None:
    print(f"{'variant':<16}{'leases':>8}" + "".join(
        f"{title + ', ' + unit:>28}" for title, unit in METRICS.values()))
    keys = dict.fromkeys((r["variant"], r["leases"]) for r in report["results"])
    for variant, leases in keys:
        cells = [next(r for r in report["results"] if (r["variant"], r["leases"], r["metric"])
                      == (variant, leases, metric)) for metric in METRICS]
        print(f"{variant:<16}{leases:>8,}" + "".join(
            f"{c['median']:>18.3f} (× {c['ratio_to_no_gate']:.3f})" for c in cells))
    for row in report["gate_ns"]:
        print(f"{row['program']}, {row['leases']:,} leases, {row['bytes']} bytes"
              f"{', with clock' if row['clock'] else ''}: {row['ns_per_packet']} ns/packet")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--leases", type=int, nargs="+", default=[1, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each measurement")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    try:
        checks.check_root("benchmark")
        report: dict[str, Any] = {"benchmark": "datapath", "machine": machine(),
                                  "rounds": arguments.rounds, "seconds": arguments.seconds}
        routers = [r for n in arguments.leases
                   for r in _measure(n, arguments.rounds, arguments.seconds)]
        report["results"] = _results(routers)
        report["gate_ns"] = _gate_ns()
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    _print(report)
    write(arguments.output, report, _plot(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())

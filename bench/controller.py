#!/usr/bin/env python3
"""How many durable grants a controller makes per second, side by side with etcd and SQLite.

For 1, 100 and 10,000 links, each with one request outstanding:
  sluice        the controller's engine, core and store, in one process without a network
  plain SQLite  one transaction per grant, WAL, synchronous=FULL, one writer
  etcd          LeaseGrant over gRPC on loopback, up to 1,000 requests a connection
and how many 4 KiB writes with fdatasync the disk does. All stores lie on the same disk,
and all variants take turns in every round. Prints a table and writes
bench/results/controller-<kernel>.json and .svg.

Needs Debian's etcd-server, and the built sluice-controller-bench and sluice-etcd-bench.
Not a test: it asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.report import machine, write  # noqa: E402
from bench.svg_bars import Panel, render  # noqa: E402
from lab import checks  # noqa: E402
from lab.errors import LabError  # noqa: E402

VARIANTS = ("sluice", "plain SQLite", "etcd")
METRICS = {"grants_per_second": ("Durable grants", "1/s"), "p50_ms": ("Latency, median", "ms"),
           "p99_ms": ("Latency, 99th percentile", "ms")}


class Etcd:
    """One etcd of our own: on free loopback ports, its data in a directory of its own."""

    def __init__(self, directory: Path):
        self.directory = directory
        client, peer = _free_ports(2)
        self.endpoint = f"127.0.0.1:{client}"
        self._log = (directory / "etcd.log").open("w")
        url, peer_url = f"http://{self.endpoint}", f"http://127.0.0.1:{peer}"
        self._process = subprocess.Popen(
            ["etcd", "--name", "bench", "--data-dir", str(directory / "data"),
             "--listen-client-urls", url, "--advertise-client-urls", url,
             "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url,
             "--initial-cluster", f"bench={peer_url}", "--log-level", "error",
             "--quota-backend-bytes", str(8 << 30)],
            stdout=self._log, stderr=subprocess.STDOUT)

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


@dataclass
class Run:
    """One variant with so many links, over all rounds."""

    variant: str
    links: int
    values: dict[str, list[float]] = field(default_factory=dict)
    refused: int = 0

    def measure(self, directory: Path, seconds: float, warm_up: float) -> None:
        place = directory / f"{self.variant.replace(' ', '-')}-{self.links}"
        place.mkdir(exist_ok=True)
        timing = ["--links", str(self.links), "--seconds", str(seconds),
                  "--warm-up", str(warm_up)]
        if self.variant == "etcd":
            shown = _measure_etcd(place, timing)
        else:
            store = {"sluice": "sluice", "plain SQLite": "plain-sqlite"}[self.variant]
            shown = _bench("sluice-controller-bench", "--store", store,
                           "--directory", str(place), *timing)
        for metric in METRICS:
            self.values.setdefault(metric, []).append(shown[metric])
        self.refused += shown["refused"]


def _measure_etcd(place: Path, timing: list[str]) -> dict[str, Any]:
    """A new etcd each time: its leases of earlier rounds would weigh on later ones."""
    etcd = Etcd(place)
    try:
        return _bench("sluice-etcd-bench", "--endpoint", etcd.endpoint, *timing)
    finally:
        etcd.end()
        shutil.rmtree(place / "data", ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _bench(tool: str, *arguments: str) -> dict[str, Any]:
    path = checks.binaries() / tool
    if not path.exists():
        raise LabError(f"{tool} not found in {path.parent}; build with `./run build`, or set "
                       "SLUICE_BIN to where it is")
    done = subprocess.run([str(path), *arguments], capture_output=True, text=True, timeout=600,
                          check=False)
    if done.returncode != 0:
        raise LabError(f"{tool} ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def _measure(directory: Path, arguments: argparse.Namespace) -> tuple[list[Run], list[float]]:
    runs = [Run(variant, links) for links in arguments.links for variant in VARIANTS]
    syncs = []
    for number in range(arguments.rounds):
        syncs.append(_bench("sluice-controller-bench", "--store", "disk", "--directory",
                            str(directory), "--seconds", "1", "--warm-up", "0.2"))
        # Each round begins with another, so that none always follows the same one.
        for offset in range(len(runs)):
            run = runs[(number + offset) % len(runs)]
            print(f"round {number + 1} of {arguments.rounds}: {run.variant}, {run.links:,} links",
                  file=sys.stderr)
            run.measure(directory, arguments.seconds, arguments.warm_up)
    return runs, [one["grants_per_second"] for one in syncs]


def _results(runs: list[Run]) -> list[dict[str, Any]]:
    of = {(r.variant, r.links): r for r in runs}
    rows = []
    for run in runs:
        row: dict[str, Any] = {"variant": run.variant, "links": run.links,
                               "refused": run.refused}
        for metric, values in run.values.items():
            row[metric] = statistics.median(values)
            row[f"{metric}_values"] = [round(v, 3) for v in values]
        for other in ("plain SQLite", "etcd"):
            # Ratios are of the same round: what wanders between rounds cancels out.
            pairs = zip(run.values["grants_per_second"],
                        of[other, run.links].values["grants_per_second"])
            row[f"ratio_to_{other.replace(' ', '_')}"] = statistics.median(
                a / b if b else float("nan") for a, b in pairs)
        rows.append(row)
    return rows


def _machine(directory: Path) -> dict[str, Any]:
    system = subprocess.run(["stat", "-f", "-c", "%T", str(directory)], capture_output=True,
                            text=True, check=True).stdout.strip()
    shown = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=False)
    return {**machine(), "file_system": system, "etcd": (shown.stdout.splitlines() or ["unknown"])[0]}


def _plot(report: dict[str, Any]) -> str:
    panels = []
    for metric, (title, unit) in METRICS.items():
        groups: dict[str, dict[str, float]] = {}
        for row in report["results"]:
            group = groups.setdefault(f"{row['links']:,} link{'s' * (row['links'] > 1)}", {})
            group[row["variant"]] = row[metric]
        panels.append(Panel(title, unit, groups))
    on = report["machine"]
    return render("Durable grants of a controller and its alternatives",
                  f"Linux {on['kernel']}, {on['cpus']} × {on['cpu']}, "
                  f"{on['file_system']}; medians of {report['rounds']} interleaved rounds",
                  list(VARIANTS), panels)


def _print(report: dict[str, Any]) -> None:
    print(f"4 KiB writes with fdatasync: {report['fdatasync_per_second']:,.0f}/s")
    print(f"{'variant':<14}{'links':>8}{'grants/s':>12}{'p50 ms':>10}{'p99 ms':>10}"
          f"{'× SQLite':>10}{'× etcd':>10}")
    for row in report["results"]:
        print(f"{row['variant']:<14}{row['links']:>8,}{row['grants_per_second']:>12,.0f}"
              f"{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}"
              f"{row['ratio_to_plain_SQLite']:>10.2f}{row['ratio_to_etcd']:>10.2f}"
              f"{'  refused: ' + str(row['refused']) if row['refused'] else ''}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--links", type=int, nargs="+", default=[1, 100, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=1, help="seconds before each")
    parser.add_argument("--directory", type=Path, default=ROOT,
                        help="the stores lie in a new directory under this one")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    if shutil.which("etcd") is None:
        print("bench: etcd is missing; install Debian's etcd-server", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="build-bench-", dir=arguments.directory) as name:
            report: dict[str, Any] = {"benchmark": "controller", "machine": _machine(Path(name)),
                                      "rounds": arguments.rounds, "seconds": arguments.seconds}
            runs, syncs = _measure(Path(name), arguments)
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    report["fdatasync_per_second"] = statistics.median(syncs)
    report["fdatasync_values"] = [round(v, 1) for v in syncs]
    report["results"] = _results(runs)
    _print(report)
    write(arguments.output, report, _plot(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())

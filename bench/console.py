#!/usr/bin/env python3
"""What the console costs with a large fleet: 1,000 nodes and 5,000 links by default.

Starts the real core, API and console with imagined nodes (bench/console_fleet.cc), and
Chromium on the page. Measures the first paint after a reload, frames per second while the
map is dragged and zoomed, and the processor time of the page at rest, with all figures
changing once a second, as the map begins and with every enclosure expanded; and how much more
the controller takes, with history and the page's stream, than one that reads its links for
nobody.
Writes bench/results/console-<kernel>.json and .svg.

    ./run bench console
    ./run bench console --nodes 200 --links 1000
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.report import machine, write  # noqa: E402
from bench.svg_bars import Panel, render  # noqa: E402

BIN = Path(os.environ.get("SLUICE_BIN") or ROOT / "build" / "bin")
# What the project wants to reach.
AIMS = {"first paint, ms": 2000.0, "dragging, frames/s": 30.0, "zooming, frames/s": 30.0,
        "dragging all expanded, frames/s": 30.0, "zooming all expanded, frames/s": 30.0,
        "page, cores": 0.5, "page all expanded, cores": 0.5, "controller, cores": 0.1}
TICKS = os.sysconf("SC_CLK_TCK")


def _cpu_seconds(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(word) for word in task.read_text("ascii").split()]
    return found


def _renderers(pid: int) -> list[int]:
    """Chromium's processes that run pages."""
    return [one for one in _descendants(pid)
            if b"--type=renderer" in Path(f"/proc/{one}/cmdline").read_bytes()]


def _cores(pids: list[int], seconds: float) -> float:
    before, began = _cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    return (_cpu_seconds(pids) - before) / (time.monotonic() - began)


@contextmanager
def _fleet(arguments: argparse.Namespace, token: str, sample_s: int) -> Iterator[tuple[int, int]]:
    """A controller and its nodes: process id and port."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-", dir=ROOT / "bench") as directory:
        fleet = subprocess.Popen(
            [BIN / "sluice-console-fleet", "--directory", directory, "--token", token,
             "--nodes", str(arguments.nodes), "--links", str(arguments.links),
             "--sample-s", str(sample_s)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert fleet.stdout and fleet.stdin
        try:
            port = int(fleet.stdout.readline().split()[1])
            time.sleep(5)
            yield fleet.pid, port
        finally:
            fleet.stdin.close()
            fleet.wait(30)


def _measure(arguments: argparse.Namespace) -> dict[str, float]:
    token = secrets.token_hex(16)
    # A controller that reads its links for nobody, neither console nor history.
    with _fleet(arguments, token, 3600) as (pid, _):
        alone = _cores([pid], arguments.seconds)
    with _fleet(arguments, token, 1) as (pid, port):
        figures = _measure_page(f"http://127.0.0.1:{port}", token, pid, arguments.seconds)
    figures["controller, cores"] -= alone
    return figures


def _measure_page(origin: str, token: str, fleet: int, seconds: float) -> dict[str, float]:
    browser = subprocess.Popen(
        ["node_modules/.bin/tsx", "e2e/measure.ts", origin, token], cwd=ROOT / "web",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert browser.stdout and browser.stdin
    try:
        seen: dict[str, Any] = json.loads(browser.stdout.readline())
        pages = _renderers(browser.pid)
        before = _cpu_seconds(pages)
        controller = _cores([fleet], seconds)
        page = (_cpu_seconds(pages) - before) / seconds
        browser.stdin.write("expand\n")
        browser.stdin.flush()
        seen |= json.loads(browser.stdout.readline())
        expanded = _cores(_renderers(browser.pid), seconds)
    finally:
        browser.stdin.close()
        browser.wait(30)
    return {"first paint, ms": seen["first_paint_ms"], "map drawn, ms": seen["map_drawn_ms"],
            "dragging, frames/s": seen["pan_fps"], "zooming, frames/s": seen["zoom_fps"],
            "page, cores": page, "controller, cores": controller,
            "all expanded, ms": seen["expanded_ms"],
            "dragging all expanded, frames/s": seen["expanded_pan_fps"],
            "zooming all expanded, frames/s": seen["expanded_zoom_fps"],
            "page all expanded, cores": expanded}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--links", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20, help="of each processor time")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    figures = _measure(arguments)
    for name, value in figures.items():
        print(f"{name:<32} {value:9.2f}   aim {AIMS.get(name, '–')}")
    report = {"benchmark": "console", "machine": machine(), "nodes": arguments.nodes,
              "links": arguments.links, "figures": figures, "aims": AIMS}
    on = report["machine"]
    groups = {name: {"measured": figures[name] / aim, "aim": 1.0} for name, aim in AIMS.items()}
    plot = render("The console with a large fleet",
                  f"{arguments.nodes} nodes, {arguments.links} links; Linux {on['kernel']}, "
                  f"{on['cpus']} × {on['cpu']}", ["measured", "aim"],
                  [Panel("as a share of the aim; frames should be above it, all else below", "×",
                         groups)])
    write(arguments.output, report, plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())

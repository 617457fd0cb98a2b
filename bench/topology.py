#!/usr/bin/env python3
"""How long the verdicts on a large fabric take: 1,000 nodes and 64,000 cables by default.

A fat tree is generated with the observations of all its nodes. Measured are the verdicts from
the full set, the verdicts and the affected links' paths after one change, and, to compare,
judging everything anew after one change. Writes bench/results/topology-<kernel>.json and .svg.

    ./run bench topology
    ./run bench topology --nodes 500 --cables 16000
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.report import machine, write  # noqa: E402
from bench.svg_bars import Panel, render  # noqa: E402

BIN = Path(os.environ.get("SLUICE_BIN") or ROOT / "build" / "bin")
AIMS = {"full_ms": 1000.0, "change_p99_ms": 10.0}
WORDS = {"plan_ms": "taking up the plan, ms", "full_ms": "verdicts from a full set, ms",
         "change_p50_ms": "one change, p50, ms", "change_p99_ms": "one change, p99, ms",
         "change_max_ms": "one change, longest, ms", "anew_ms": "all anew for one change, ms",
         "peak_mib": "memory at most, MiB"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--cables", type=int, default=64_000)
    parser.add_argument("--changes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    rounds = [json.loads(subprocess.run(
        [BIN / "sluice-topology-bench", str(arguments.nodes), str(arguments.cables),
         str(arguments.changes)], check=True, capture_output=True, text=True).stdout)
        for _ in range(arguments.rounds)]
    figures = {name: statistics.median(r[name] for r in rounds) for name in WORDS}
    for name, words in WORDS.items():
        print(f"{words:<30} {figures[name]:10.3f}   aim {AIMS.get(name, '–')}")
    print(f"{'one change against all anew':<30} {figures['change_p50_ms'] / figures['anew_ms']:10.5f}")
    report = {"benchmark": "topology", "machine": machine(), "nodes": arguments.nodes,
              "cables": arguments.cables, "rounds": rounds, "figures": figures, "aims": AIMS}
    on = report["machine"]
    groups = {WORDS[name]: {"measured": figures[name] / aim, "aim": 1.0}
              for name, aim in AIMS.items()}
    plot = render("Verdicts on a large fabric",
                  f"{arguments.nodes} nodes, {arguments.cables} cables; Linux {on['kernel']}, "
                  f"{on['cpus']} × {on['cpu']}", ["measured", "aim"],
                  [Panel("as a share of the aim; it should be below it", "×", groups)])
    write(arguments.output, report, plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the benchmarks' reports have in common: the machine, and where they are written."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Kernel and processor, without which no figure means anything."""
    cpu = next((line.partition(":")[2].strip()
                for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
                if line.startswith("model name")), platform.machine())
    return {"kernel": platform.release(), "cpu": cpu, "cpus": os.cpu_count()}


def write(output: Path, report: dict[str, Any], plot: str) -> None:
    """The report as JSON and its plot as SVG, named after the benchmark and the kernel."""
    output.mkdir(parents=True, exist_ok=True)
    stem = output / f"{report['benchmark']}-{platform.release()}"
    stem.with_name(stem.name + ".json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    stem.with_name(stem.name + ".svg").write_text(plot, "utf-8")
    print(f"written: {stem}.json and .svg")

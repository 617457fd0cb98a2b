#!/usr/bin/env python3
"""Searches the Promela model of the leases (tests/model/lease.pml) with spin.

The plain model must hold, searched to its end; each planted fault (-DBUG_…)
must be found, and each -DREACH_… must be reachable, or the model proves nothing.
Prints one line a search, with the number of states. Exits 1 if one is not as it
should be.
"""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests" / "model" / "lease.pml"
MEMORY_MB = 4000
DEPTH = 1_000_000
LIMIT = 600  # seconds of one search; more means that the bounds were set too wide
# Each widens some bounds and narrows others; the widest together would take hours.
PLAIN = (
    {"FAULTS": 2, "REVOCATIONS": 0, "SEQUENCES": 2, "REQUESTS": 2},
    {"FAULTS": 0, "REVOCATIONS": 1, "SEQUENCES": 2, "REQUESTS": 2},
    {"FAULTS": 1, "REVOCATIONS": 1, "SEQUENCES": 2, "REQUESTS": 2, "HOLD_BACK": "false"},
    {"FAULTS": 0, "REVOCATIONS": 0, "SEQUENCES": 3, "REQUESTS": 3},
)
FAULTY = ("FAULTS=1", "SEQUENCES=2", "REQUESTS=2")
# What makes a search no proof.
TRUNCATED = ("max search depth too small", "out of memory", "Search not completed",
             "hash-table is full")


@dataclass
class Search:
    name: str
    errors: int = -1
    states: int = 0
    seconds: float = 0
    megabytes: float = 0
    trouble: str = ""

    def line(self, wanted: str) -> str:
        return (f"{self.name}: {self.errors} errors ({wanted}), {self.states:,} states, "
                f"{self.seconds:.1f} s, {self.megabytes:.0f} MB"
                f"{': ' + self.trouble if self.trouble else ''}")


def call(command: list[str], folder: Path, timeout: int) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: "
                           f"{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout + done.stderr


def search(name: str, defines: list[str], options: list[str]) -> Search:
    """Errors shorten the search: it ends at the first one."""
    found = Search(name)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            call(["spin", "-a", *(f"-D{d}" for d in defines), str(MODEL)], folder, 60)
            call(["gcc", "-w", "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={MEMORY_MB}", *options,
                  "-o", "pan", "pan.c"], folder, 120)
            out = call(["./pan", f"-m{DEPTH}"], folder, LIMIT)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            found.trouble = str(error)
            return found
    found.seconds = time.monotonic() - start
    errors = re.search(r"errors: (\d+)", out)
    states = re.search(r"(\d[\d.e+]*) states, stored", out)
    memory = re.search(r"([\d.]+)\s+total actual memory usage", out)
    if not errors or not states:
        found.trouble = f"spin's output is not understood: {out[-500:]}"
        return found
    found.errors = int(errors.group(1))
    found.states = int(float(states.group(1)))
    found.megabytes = float(memory.group(1)) if memory else 0
    if found.errors == 0:
        found.trouble = "; ".join(words for words in TRUNCATED if words in out)
    elif "assertion violated" not in out:
        found.trouble = "no assertion failed"
    return found


def variants(prefix: str) -> list[str]:
    """The macros of that kind which the model asks for."""
    return sorted(set(re.findall(rf"^#ifn?def ({prefix}\w+)", MODEL.read_text("utf-8"), re.M)))


def report(found: Search, ok: bool, wanted: str) -> bool:
    ok = ok and not found.trouble
    print(f"{'passed' if ok else 'FAILED'} {found.line(wanted)}", flush=True)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", help="the variants whose names contain this")
    only = parser.parse_args().only or ""
    jobs: list[tuple[str, list[str], list[str], bool]] = []
    for bounds in PLAIN:
        name = "plain, " + ", ".join(f"{k.lower().replace('_', ' ')} {v}" for k, v in bounds.items())
        jobs.append((name, [f"{k}={v}" for k, v in bounds.items()], ["-O2", "-DCOLLAPSE"], True))
    for name in variants("BUG_") + variants("REACH_"):
        # The shortest way to a fault is short: breadth first finds it sooner than gcc would
        # have made the search fast.
        jobs.append((name, [name, *FAULTY], ["-O0", "-DBFS"], False))
    jobs = [job for job in jobs if only in job[0]]
    ok = True
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for job, found in zip(jobs, pool.map(lambda job: search(*job[:3]), jobs)):
            plain = job[3]
            ok &= report(found, (found.errors == 0) == plain and found.errors >= 0,
                         "0 wanted" if plain else "at least 1 wanted")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

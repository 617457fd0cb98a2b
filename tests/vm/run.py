#!/usr/bin/env python3
"""End-to-end tests under a stock Debian kernel in QEMU. `./run test vm` runs all of them;
by itself this runs the ones named, by node id or -k, or opens a shell in the machine:

  tests/vm/run.py [--kernel 6.1] [TEST… | -k WORDS | --smoke | --shell]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, TextIO

import kernels
import machine
import scenarios

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLUICE_BUILD") or ROOT / "build").resolve()
BINARIES = Path(os.environ.get("SLUICE_BIN") or BUILD / "bin").resolve()
UNFINISHED = ("waiting", "running")
CANNOT_RUN = 77


class Results:
    """What the machine said of each test so far."""

    def __init__(self, path: Path, say: bool = True) -> None:
        self._path, self._say, self._read = path, say, 0
        self.tests: dict[str, dict[str, Any]] = {}

    def read_on(self) -> None:
        if not self._path.exists():
            return
        text = self._path.read_bytes()[self._read:].decode(errors="replace")
        whole, newline, _ = text.rpartition("\n")
        self._read += len((whole + newline).encode())
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, said: dict[str, Any]) -> None:
        known = self.tests.get(said["test"], {})
        if known.get("outcome") == "failed" and said["outcome"] != "failed":
            return
        self.tests[said["test"]] = {**known, **said}
        if self._say and said["outcome"] not in UNFINISHED:
            self._print(said)

    @staticmethod
    def _print(said: dict[str, Any]) -> None:
        print(f"{said['outcome']} {said['test']} ({said.get('seconds', 0):.1f} s)", flush=True)
        if figures := said.get("figures"):
            told = ", ".join(f"{name}: {value}" for name, value in figures.items())
            print(f"figures {said['test']}: {told}", flush=True)
        if said["outcome"] == "failed":
            print(said["message"], flush=True)

    def close(self, trouble: str, console: str) -> None:
        """What the machine did not get to has failed, and says how the machine ended."""
        for test in self.tests.values():
            if test["outcome"] in UNFINISHED:
                test.update(message=f"{trouble or 'pytest ended'} while this was "
                            f"{test['outcome']}", outcome="failed")
        if trouble or not self.tests:
            self.tests["the machine"] = {
                "outcome": "failed", "test": "the machine",
                "message": f"{trouble or 'no test ran'}; its console ends with:\n{console}"}

    def failed(self) -> list[dict[str, Any]]:
        return [t for t in self.tests.values() if t["outcome"] == "failed"]


def write_junit(path: Path, kernel: str, results: Results) -> None:
    suite = ElementTree.Element("testsuite", name=f"Linux {kernel}")
    for test in results.tests.values():
        case = ElementTree.SubElement(suite, "testcase", name=test["test"],
                                      classname=f"Linux {kernel}", time=str(test.get("seconds", 0)))
        if test["outcome"] != "passed":
            ElementTree.SubElement(
                case, "skipped" if test["outcome"] == "skipped" else "failure",
                message=str(test.get("message", "")))
    ElementTree.ElementTree(suite).write(path)


def tail(path: Path, lines: int = 40) -> str:
    if not path.exists():
        return "(nothing)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def locked(name: str) -> TextIO:
    """Until it is closed, another run waits here."""
    lock = (BUILD / "vm" / f"{name}.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def run(kernel: kernels.Kernel, tests: list[str], seconds: float, report: Path | None) -> int:
    shared = BUILD / "vm" / kernel.release
    shutil.rmtree(shared, ignore_errors=True)
    shared.mkdir(parents=True)
    print(f"Linux {kernel.release}; everything of this run is in {shared}", flush=True)
    results = Results(shared / "results")
    command = ["/usr/bin/python3", str(ROOT / "tests/vm/guest.py"), str(ROOT),
               str(BUILD), str(BINARIES)]
    trouble = machine.run(kernel, [*command, *tests], shared, [ROOT, BUILD, BINARIES], seconds,
                          results.read_on)
    results.close(trouble, tail(shared / "console"))
    if "the machine" in results.tests:
        print(f"failed: {results.tests['the machine']['message']}\n{tail(shared / 'pytest.log')}")
    if report:
        write_junit(report, kernel.release, results)
    print(f"{len(results.tests)} tests, {len(results.failed())} failed")
    return 1 if results.failed() else 0


def parse() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", default="", metavar="VERSION",
                        help="the newest kernel whose version begins so; else the newest")
    parser.add_argument("--smoke", action="store_true", help="only a few tests")
    parser.add_argument("--shell", action="store_true", help="no tests: a shell in the machine")
    parser.add_argument("--seconds", type=float, default=900, help="the longest the machine lives")
    parser.add_argument("--report", type=Path, help="a JUnit file to write")
    return parser.parse_known_args()


def main() -> int:
    arguments, tests = parse()
    if missing := machine.missing_tools():
        print(f"missing: {', '.join(missing)}; install qemu-system-x86, busybox-static and kmod")
        return CANNOT_RUN
    (BUILD / "vm").mkdir(parents=True, exist_ok=True)
    try:
        with locked("kernels"):
            kernel = kernels.get(BUILD / "vm" / "kernels", arguments.kernel)
    except kernels.NoKernel as error:
        print(error)
        return CANNOT_RUN
    if arguments.shell:
        shared = BUILD / "vm" / "shell"
        shared.mkdir(parents=True, exist_ok=True)
        return machine.shell(kernel, shared, [ROOT, BUILD, BINARIES])
    if not any("::" in word or word.endswith(".py") for word in tests):
        tests += scenarios.SMOKE if arguments.smoke else scenarios.ALL
    with locked(kernel.release):  # two runs would write to the same files
        return run(kernel, tests, arguments.seconds, arguments.report)


if __name__ == "__main__":
    sys.exit(main())

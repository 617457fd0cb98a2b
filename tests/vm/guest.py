"""Runs pytest inside the machine and writes one JSON line for each test that starts or
ends, at once, so that a machine which dies or hangs leaves behind what it was doing.

Usage: guest.py REPOSITORY BUILD BINARIES TEST…
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

SHARED = Path("/run/shared")


class Reporter:
    def __init__(self, path: Path) -> None:
        self._out = path.open("w", encoding="utf-8", buffering=1)

    def _say(self, **fields: Any) -> None:
        self._out.write(json.dumps(fields) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self._say(test=item.nodeid, outcome="waiting")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._say(test=report.nodeid or "collection", outcome="failed",
                      message=report.longreprtext)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._say(test=nodeid, outcome="running")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        message = report.longreprtext
        if report.skipped and isinstance(report.longrepr, tuple):
            message = report.longrepr[2]
        self._say(test=report.nodeid, outcome=report.outcome, seconds=round(report.duration, 1),
                  message=message, figures=dict(report.user_properties))


def main() -> int:
    repository, build, binaries, *tests = sys.argv[1:]
    os.chdir(repository)
    # What takes a second on a processor takes some twenty when it is emulated on a busy one.
    os.environ.update(SLUICE_BUILD=build, SLUICE_BIN=binaries, SLUICE_LAB_PATIENCE="4",
                      SLUICE_LAB_PLAN=f"{repository}/tests/vm/plan.dot")
    output = os.open(SHARED / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    return int(pytest.main(["-v", "--durations=0", *tests],
                           plugins=[Reporter(SHARED / "results")]))


if __name__ == "__main__":
    sys.exit(main())

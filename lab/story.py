"""How the demo speaks: steps, checks with what was expected and measured, and a report."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import textwrap
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Check:
    what: str
    expected: str
    measured: str
    passed: bool


@dataclass
class Step:
    title: str
    checks: list[Check] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.error and bool(self.checks) and all(c.passed for c in self.checks)


class Story:
    """Prints as it goes and remembers every figure."""

    def __init__(self, color: bool = True) -> None:
        self._color = color and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._began = time.monotonic()
        self.steps: list[Step] = []

    def begin(self, title: str, explanation: str) -> Step:
        step = Step(title)
        self.steps.append(step)
        print()
        print(self._paint("1", f"{len(self.steps)}. {title}"))
        for line in textwrap.wrap(explanation, self._width() - 3):
            print(f"   {line}")
        sys.stdout.flush()
        return step

    def check(self, what: str, expected: str, measured: str, passed: bool) -> None:
        """One figure of the step that began last."""
        self.steps[-1].checks.append(Check(what, expected, measured, passed))
        mark = self._paint("32", "ok  ") if passed else self._paint("31", "FAIL")
        text = f"{what}: {measured}"
        tail = f"(expected {expected})"
        gap = self._width() - 8 - len(text) - len(tail)
        if gap >= 1:
            print(f"   {mark} {text}{' ' * gap}{self._paint('2', tail)}", flush=True)
        else:
            print(f"   {mark} {text}\n        {self._paint('2', tail)}", flush=True)

    def fail(self, words: str) -> None:
        self.steps[-1].error = words
        print(f"   {self._paint('31', 'FAIL')} {words}", flush=True)

    def note(self, text: str) -> None:
        print(f"   {self._paint('2', text)}", flush=True)

    @property
    def passed(self) -> bool:
        return bool(self.steps) and all(s.passed for s in self.steps)

    def summary(self) -> str:
        checks = [c for s in self.steps for c in s.checks]
        good = sum(c.passed for c in checks)
        words = "every step measured what it should" if self.passed else "NOT as it should be"
        return (f"{good} of {len(checks)} checks in {len(self.steps)} steps passed in "
                f"{time.monotonic() - self._began:.0f} s: {words}")

    def write(self, path: Path) -> None:
        report = {
            "passed": self.passed, "seconds": round(time.monotonic() - self._began, 1),
            "kernel": platform.release(), "machine": platform.machine(), "cpus": os.cpu_count(),
            "steps": [{"title": s.title, "passed": s.passed, "error": s.error,
                       "seconds": round(s.seconds, 1), "checks": [asdict(c) for c in s.checks]}
                      for s in self.steps],
        }
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    def _width(self) -> int:
        return max(50, min(110, shutil.get_terminal_size((100, 24)).columns))

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._color else text


def size(count: float) -> str:
    """Bytes as people read them, exact where it is short."""
    if count < 10_000:
        return f"{count:,.0f} bytes"
    return f"{count:,.0f} bytes ({count / 1e6:.2f} MB)"


def mbit(bps: float) -> str:
    return f"{bps / 1e6:.2f} Mbit/s"

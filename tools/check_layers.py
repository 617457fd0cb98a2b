#!/usr/bin/env python3
"""Checks the house plan: who may include whom, and who may read a real clock.

A folder includes folders of lower layers and itself, never upward and never a
sibling; controller/ and agent/ know nothing of each other; policy/ and
reconcile/ are pure and see only base/ and model/. Real time is read only where
ALLOWED_CLOCK says.
"""
from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LAYERS = {
    "base": 0,
    "model": 1,
    "os": 2,
    "wire": 2,
    "datapath": 3,
    "tunnel": 3,
    "controller/policy": 4,
    "controller/store": 4,
    "agent/reconcile": 4,
    "agent/keys": 4,
    "agent/meter": 4,
    "agent/deadman": 4,
    "agent/tamper": 4,
    "agent/probe": 4,
    "controller/grants": 5,
    "controller/keys": 5,
    "controller/topology": 4,
    "controller/telemetry": 5,
    "agent/apply": 5,
    "controller/api": 6,
    "controller/web": 6,
    "agent/session": 6,
}
PURE = {
    "controller/policy": {"base", "model"},
    "controller/topology": {"base", "model"},
    "agent/reconcile": {"base", "model"},
}
# Beside src/: the ABI header belongs to the model, the messages to wire and above.
OUTSIDE = {"bpf": 1, "proto": 2}
KERNEL_HEADERS = re.compile(r"^(linux/|bpf/(bpf|libbpf)|libmnl/|net/if|sys/socket)")
KERNEL_ALLOWED = ("os/", "datapath/", "tunnel/", "controller/api", "controller/web")

CLOCKS = re.compile(
    r"std::chrono::\w+_clock|absl::Now\(|absl::GetCurrentTimeNanos|absl::SleepFor|\bclock_gettime\("
    r"|\bgettimeofday\(|\btime\((nullptr|NULL|0)\)|\bsleep_for\(|\bsleep_until\(|\busleep\(|\bnanosleep\("
)
ALLOWED_CLOCK = ("src/base/system_clock.", "src/os/", "src/datapath/", "src/tunnel/", "apps/")

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def folder_of(path: str) -> str | None:
    """The layered folder that a path relative to src/ lies in."""
    parts = path.split("/")
    for depth in (2, 1):
        name = "/".join(parts[:depth])
        if len(parts) > depth and name in LAYERS:
            return name
    return None


def check_include(file: str, own: str, quote: str, target: str) -> str | None:
    if quote == "<":
        if KERNEL_HEADERS.match(target) and not file.startswith(KERNEL_ALLOWED):
            return f"kernel header <{target}> belongs below os/, datapath/ or tunnel/"
        return None
    top = target.split("/")[0]
    if top in OUTSIDE:
        if OUTSIDE[top] > LAYERS[own]:
            return f'"{target}" is above layer {LAYERS[own]} ({own})'
        if own in PURE and top != "bpf":
            return f'{own} is pure and must not include "{target}"'
        return None
    other = folder_of(target)
    if other is None and not (ROOT / "src" / top).is_dir():
        return None  # a library's header
    if other is None:
        return f'"{target}" lies in no folder of the house plan'
    if own in PURE and other != own and other not in PURE[own]:
        return f'{own} is pure and must not include "{target}"'
    if other != own and LAYERS[other] >= LAYERS[own]:
        return f'"{target}" (layer {LAYERS[other]}) is not below {own} (layer {LAYERS[own]})'
    sides = {own.split("/")[0], other.split("/")[0]}
    if sides == {"agent", "controller"}:
        return f'{own} must not include "{target}"'
    return None


def layer_errors() -> Iterator[str]:
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in {".cc", ".h"}:
            continue
        relative = path.relative_to(ROOT / "src").as_posix()
        own = folder_of(relative)
        if own is None:
            yield f"src/{relative}: lies in no folder of the house plan (tools/check_layers.py)"
            continue
        is_test = relative.endswith(("_test.cc", "_fake.h", "_fake.cc"))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            error = check_include(relative, own, *match.groups())
            # A test may stand on the fakes of a sibling, but not on a higher layer.
            if error and is_test and ("fake" in match.group(2) or match.group(1) == "<"):
                continue
            if error:
                yield f"src/{relative}:{number}: {error}"


def clock_errors() -> Iterator[str]:
    for folder in ("src", "apps"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in {".cc", ".h"}:
                continue
            relative = path.relative_to(ROOT).as_posix()
            if relative.startswith(ALLOWED_CLOCK) or relative.endswith("_test.cc"):
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if CLOCKS.search(line.split("//")[0]):
                    yield f"{relative}:{number}: real time; take a Clock instead (base/clock.h)"


def main() -> int:
    errors = [*layer_errors(), *clock_errors()]
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Formats the tree's C and C++ with clang-format; --check only says what differs."""
from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "apps", "bpf", "bench", "tests")
SUFFIXES = {".cc", ".h", ".c"}


def sources() -> list[Path]:
    found = (p for folder in FOLDERS for p in (ROOT / folder).rglob("*"))
    return sorted(p for p in found if p.suffix in SUFFIXES)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on differences")
    mode = ["--dry-run", "-Werror"] if parser.parse_args().check else ["-i"]
    return subprocess.run(["clang-format-14", *mode, *map(str, sources())], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())

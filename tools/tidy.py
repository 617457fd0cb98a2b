#!/usr/bin/env python3
"""clang-tidy over src/ and apps/, tests left out, by the compile commands of a build directory.

What passed is remembered under $XDG_CACHE_HOME/sluice-tidy by the content of every file that it
was made of, the command, the checks and clang-tidy's version: only what changed is looked at
again, in this checkout or another. `--all` looks at everything. Exits 1 if something is wrong.
"""
from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The batches lie in the build directory, which may be anywhere: above it there may be no checks.
TIDY = ["clang-tidy-14", "-quiet", f"--config-file={ROOT}/.clang-tidy"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice-tidy"
KEPT_DAYS = 30


def commands(build: Path) -> dict[str, tuple[str, list[str]]]:
    """File -> directory and command. The batches of sluice.cmake stand for their sources."""
    ours = rf"({ROOT}/(src|apps)|{build}/(src|apps)/.*/batches)/"  # and nothing generated
    wanted = re.compile(rf"^{ours}(?!.*_test(_\d+)?\.cc$).*\.cc$")
    entries = json.loads((build / "compile_commands.json").read_text("utf-8"))
    return {entry["file"]: (entry["directory"], shlex.split(entry["command"]))
            for entry in entries if wanted.match(entry["file"])}


@functools.cache
def digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def dependencies(directory: str, command: list[str]) -> list[str]:
    words = command[next(i for i, word in enumerate(command) if "clang++" in word):]
    # Without the output files that the command names.
    for flag in ("-o", "-MF", "-MT"):
        if flag in words:
            at = words.index(flag)
            del words[at:at + 2]
    words = [word for word in words if word not in ("-MD", "-c")]
    rule = subprocess.run([*words, "-M"], cwd=directory, capture_output=True, text=True, check=True)
    _, _, files = rule.stdout.partition(":")
    return [str(Path(directory, name)) for name in files.replace("\\\n", " ").split()]


def key(directory: str, command: list[str], common: str) -> str:
    """Of all that the outcome depends on; the same in every checkout."""
    parts = [common, " ".join(command)]
    parts += [f"{os.path.realpath(path)} {digest(path)}" for path in dependencies(directory, command)]
    return hashlib.sha256("\n".join(parts).replace(str(ROOT), ".").encode()).hexdigest()


def check(build: Path, file: str, how: tuple[str, list[str]], common: str, everything: bool) -> str:
    """Empty if nothing is wrong, else what clang-tidy says."""
    try:
        stamp = CACHE / key(*how, common)
    except subprocess.CalledProcessError as error:
        return f"{file}: {error.stderr}"
    if stamp.exists() and not everything:
        stamp.touch()
        return ""
    done = subprocess.run([*TIDY, "-p", str(build), file], capture_output=True, text=True)
    if done.returncode != 0:
        return done.stdout + done.stderr
    stamp.touch()
    return ""


def forget_old() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    for stamp in CACHE.iterdir():
        if time.time() - stamp.stat().st_mtime > KEPT_DAYS * 86400:
            stamp.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: Path(text).resolve(),
                        help="configured with clang; what is generated must be there")
    parser.add_argument("--all", action="store_true", help="what passed before too")
    arguments = parser.parse_args()
    forget_old()
    version = subprocess.run([TIDY[0], "--version"], capture_output=True, text=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_text("utf-8") + digest(__file__)
    files = commands(arguments.build)
    if not files:
        print("tidy: no file to look at; is that build directory configured?", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        said = list(pool.map(lambda item: check(arguments.build, *item, common, arguments.all),
                             files.items()))
    wrong = [text for text in said if text]
    print("\n".join(wrong))
    print(f"{len(files) - len(wrong)} of {len(files)} files are as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

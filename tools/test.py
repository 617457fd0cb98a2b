#!/usr/bin/env python3
"""Runs every tier of tests that exists here, or the ones named on the command
line, and closes with one line: N passed, N failed, N skipped.

A tier that cannot run says why and counts as skipped. Each tier's whole output
is kept in a log; what failed is also printed. Tiers that only compute run beside those that
wait for traffic, with what these leave of the processor.
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build"))
JOBS = str(os.cpu_count() or 2)
FUZZ_SECONDS = 5
SIM_SEEDS = 8  # runs of SIM_SEEDS_EACH seeds
SIM_SEEDS_EACH = 50
VM_PACKAGES = ["qemu-system-x86", "busybox-static", "kmod", "xz-utils"]
VM_CANNOT_RUN = 77
CLANG = ["-DCMAKE_C_COMPILER=clang-14", "-DCMAKE_CXX_COMPILER=clang++-14"]


@dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes


class Log:
    """One tier's log file; commands run through it, `idle` ones only when nothing else would."""

    def __init__(self, path: Path, idle: bool = False):
        self.path = path
        self.path.write_text("")
        self._before = ["chrt", "--idle", "0"] if idle else []
        self._patience = 10 if idle else 1

    def run(self, command: list[str], timeout: int = 1800, **env: str) -> int:
        timeout *= self._patience
        with self.path.open("a") as out:
            out.write(f"$ {' '.join(command)}\n")
            out.flush()
            try:
                return subprocess.run(
                    [*self._before, *command], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL, env={**os.environ, **env}, timeout=timeout,
                ).returncode
            except subprocess.TimeoutExpired:
                out.write(f"\nended after {timeout} s\n")
                return 124

    def size(self) -> int:
        return self.path.stat().st_size

    def tail(self, lines: int = 60, start: int = 0) -> str:
        """The last lines of what was written since the log had `start` bytes."""
        written = self.path.read_bytes()[start:].decode(errors="replace")
        return "\n".join(written.splitlines()[-lines:])


def one(ok: bool) -> Result:
    return Result(passed=1) if ok else Result(failed=1)


def skip(why: str) -> Result:
    return Result(skipped=1, notes=[why])


def configure_and_build(log: Log, build: Path, targets: list[str], *options: str) -> bool:
    configure = ["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", *options]
    return log.run(configure) == 0 and log.run(["ninja", "-C", str(build), *targets]) == 0


def ctest_binaries(build: Path, label: str) -> dict[str, list[str]]:
    """Test name -> command of the tests with that label, as the build declares them."""
    shown = subprocess.run(
        ["ctest", "--test-dir", str(build), "-L", label, "--show-only=json-v1"],
        capture_output=True, text=True, check=True)
    return {t["name"]: t["command"] for t in json.loads(shown.stdout)["tests"] if "command" in t}


def junit(path: Path) -> Result:
    """Counts of a JUnit file; GoogleTest and pytest write the same shape."""
    result = Result()
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
            result.notes.append(f"failed: {name}")
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            result.skipped += 1
            reason = case.find("skipped")
            why = (reason.get("message") or "") if reason is not None else ""
            result.notes.append(f"skipped: {name}: {why.strip()}")
        else:
            result.passed += 1
    return result


def run_gtests(log: Log, build: Path, label: str = ".", **env: str) -> Result:
    total = Result()
    for name, command in ctest_binaries(build, label).items():
        start = log.size()
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            code = log.run([*command, "--gtest_brief=1",
                            f"--gtest_output=xml:{report.name}"], timeout=600, **env)
            try:
                result = junit(Path(report.name))
            except ElementTree.ParseError:
                result = Result(failed=1, notes=[f"failed: {name} ended with {code} before its report"])
        if code != 0 and result.failed == 0:
            result.failed += 1
            result.notes.append(f"failed: {name} ended with {code}")
        if result.failed:
            result.notes.append(log.tail(40, start))
        total.add(result)
    return total if total.passed + total.failed else Result(failed=1, notes=["no test was built"])


def tier_format(log: Log) -> Result:
    return one(log.run([sys.executable, "tools/format.py", "--check"]) == 0)


def tier_layers(log: Log) -> Result:
    return one(log.run([sys.executable, "tools/check_layers.py"]) == 0)


def tier_model(log: Log) -> Result:
    """The Promela model; its lines say how many states each search had."""
    start = log.size()
    code = log.run([sys.executable, "tools/check_model.py"])
    lines = log.tail(100, start).splitlines()
    result = Result(passed=sum(line.startswith("passed ") for line in lines),
                    failed=sum(line.startswith("FAILED ") for line in lines),
                    notes=[line for line in lines if line.startswith(("passed ", "FAILED "))])
    if code != 0 and result.failed == 0:
        result.add(Result(failed=1, notes=[f"failed: check_model.py ended with {code}"]))
    return result


def build_programs(log: Log) -> bool:
    return log.run(["tools/web.sh"]) == 0 and configure_and_build(log, BUILD, ["programs"])


def tier_build(log: Log) -> Result:
    return one(build_programs(log))


def sanitized_build(log: Log, name: str, sanitizers: str, target: str) -> Path | None:
    build = BUILD.with_name(f"{BUILD.name}-{name}")
    options = f"-DSLUICE_SANITIZE={sanitizers}"
    return build if configure_and_build(log, build, [target], options) else None


def asan_build(log: Log) -> Path | None:
    return sanitized_build(log, "asan", "address,undefined", "tests")


def tsan_build(log: Log) -> Path | None:
    return sanitized_build(log, "tsan", "thread", "threaded_tests")


def tier_unit(log: Log) -> Result:
    """Every unit test, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    build = asan_build(log)
    if not build:
        return Result(failed=1, notes=["the build failed"])
    return run_gtests(log, build, ASAN_OPTIONS="detect_leaks=1",
                      UBSAN_OPTIONS="print_stacktrace=1")


def tier_tsan(log: Log) -> Result:
    build = tsan_build(log)
    if not build:
        return Result(failed=1, notes=["the build failed"])
    return run_gtests(log, build, "threads",
                      TSAN_OPTIONS=f"ignore_noninstrumented_modules=1:"
                      f"suppressions={ROOT}/tools/tsan.supp")


def clang_build(log: Log, targets: list[str]) -> Path | None:
    """The build for fuzzers, whose compile commands clang-tidy reads too."""
    build = BUILD.with_name(f"{BUILD.name}-fuzz")
    return build if configure_and_build(log, build, targets, "-DSLUICE_FUZZ=ON", *CLANG) else None


def tier_tidy(log: Log) -> Result:
    build = clang_build(log, ["generated/proto/agent.grpc.pb.h", "generated/proto/probe.pb.h"])
    if not build:
        return Result(failed=1, notes=["the build failed"])
    return one(log.run([sys.executable, "tools/tidy.py", str(build)], timeout=3000) == 0)


def fuzz_build(log: Log) -> Path | None:
    return clang_build(log, ["fuzzers"])


def tier_fuzz(log: Log) -> Result:
    build = fuzz_build(log)
    if not build:
        return Result(failed=1, notes=["the build failed"])
    total = Result()
    for fuzzer in sorted((build / "bin").glob("*_fuzz")):
        corpus = ROOT / "tests/fuzz/corpus" / fuzzer.name
        with tempfile.TemporaryDirectory() as scratch:
            ok = log.run([str(fuzzer), f"-max_total_time={FUZZ_SECONDS}", "-timeout=5",
                          f"-artifact_prefix={scratch}/", scratch, str(corpus)], timeout=120) == 0
        total.add(one(ok))
        if not ok:
            total.notes.append(f"failed: {fuzzer.name}")
    return total if total.passed + total.failed else Result(failed=1, notes=["no fuzzer was built"])


def tier_e2e(log: Log) -> Result:
    if why := lab_impossible():
        return skip(why)
    if not build_programs(log):
        return Result(failed=1, notes=["the build failed"])
    return on_lab(log, "tests/e2e")


def lab_impossible() -> str:
    if os.geteuid() != 0:
        return "needs root: it makes network namespaces and loads BPF"
    if not Path("/sys/kernel/btf/vmlinux").exists() and not Path("/sys/fs/bpf").exists():
        return "this kernel has no BPF"
    return ""


def on_lab(log: Log, folder: str) -> Result:
    if log.run([sys.executable, "-m", "lab", "status"]) == 0:
        return Result(failed=1, notes=["a lab is up, and there can be one only; end the demo that "
                                       "holds it, or run `./run lab down`, then test again"])
    return run_pytest(log, folder)


def run_pytest(log: Log, folder: str) -> Result:
    return junit_of(log, ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                          folder, "--junitxml={}"], SLUICE_BIN=str(BUILD / "bin"))


def junit_of(log: Log, command: list[str], **env: str) -> Result:
    """Runs what writes a JUnit report to the file that stands for {}."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        code = log.run([word.replace("{}", report.name) for word in command], timeout=2400, **env)
        try:
            result = junit(Path(report.name))
        except ElementTree.ParseError:
            return Result(failed=1, notes=[f"{command[0]} ended with {code} before its report"])
    if code != 0 and result.failed == 0:
        result.add(Result(failed=1))
        result.notes.append(f"failed: {' '.join(command[:3])} ended with {code}")
    return result


def tier_web(log: Log) -> Result:
    """The console: its code, its units, its page against a fake controller, and on the lab."""
    if not build_programs(log):
        return Result(failed=1, notes=["the build failed"])
    npm = ["npm", "--prefix", "web", "run", "--silent"]
    total = Result()

    def script(name: str) -> None:
        start = log.size()
        result = one(log.run([*npm, name]) == 0)
        if result.failed:
            result.notes = [f"failed: npm run {name}", log.tail(40, start)]
        total.add(result)

    script("check")
    total.add(junit_of(log, [*npm, "test", "--", "--reporter=junit", "--outputFile={}"]))
    if not has_chromium(log):
        total.add(skip("Chromium could not be installed"))
        return total
    script("e2e")
    why = lab_impossible()
    total.add(skip(why) if why else on_lab(log, "tests/web"))
    return total


def has_chromium(log: Log) -> bool:
    """Only this tier wants it, so it is no part of the set-up."""
    return log.run(["tools/setup.sh", "chromium"]) == 0


def vm_run(log: Log, *options: str) -> Result:
    """tests/vm/run.py in a kernel of its choice; it ends its machine by itself."""
    start = log.size()
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        code = log.run(["/usr/bin/python3", "tests/vm/run.py", f"--report={report.name}", *options],
                       timeout=1200, SLUICE_BUILD=str(BUILD), SLUICE_BIN=str(BUILD / "bin"))
        if code == VM_CANNOT_RUN:
            return skip(log.tail(1, start))
        try:
            result = junit(Path(report.name))
        except ElementTree.ParseError:
            result = Result(failed=1, notes=[f"failed: run.py ended with {code} before its report"])
    result.notes += [line for line in log.tail(1000, start).splitlines()
                     if line.startswith(("Linux ", "figures "))]
    if result.failed:
        result.notes.append(log.tail(40, start))
    return result


def tier_vm(log: Log) -> Result:
    """The lab under stock Debian kernels in QEMU: all of it in the newest, a little in 6.1."""
    if os.geteuid() != 0:
        return skip("needs root: the machine reads this one's files as its own")
    start = log.size()
    if log.run(["tools/setup.sh", *VM_PACKAGES]) != 0:
        return skip(f"cannot install {' '.join(VM_PACKAGES)}: {log.tail(1, start)}")
    if not configure_and_build(log, BUILD, ["programs", "root_tests"]):
        return Result(failed=1, notes=["the build failed"])
    # An emulated machine keeps one processor busy, so there is one for each.
    older = Log(log.path.with_name("vm-6.1.log"))
    with ThreadPoolExecutor() as pool:
        smoke = pool.submit(vm_run, older, "--kernel", "6.1.", "--smoke")
        result = vm_run(log)
        result.add(smoke.result())
    return result


def sim_mutations(simulator: Path) -> list[str]:
    """The planted bugs of src/base/mutation.h, as the simulator names them."""
    shown = subprocess.run([str(simulator), "--list-mutations"], capture_output=True, text=True)
    return shown.stdout.split()


def tier_sim(log: Log) -> Result:
    """Fixed seeds without a violation, and every planted bug found."""
    build = BUILD.with_name(f"{BUILD.name}-sim")
    if not configure_and_build(log, build, ["sluice-sim"], "-DSLUICE_MUTATIONS=ON"):
        return Result(failed=1, notes=["the build failed"])
    simulator = build / "bin" / "sluice-sim"
    mutations = sim_mutations(simulator)
    total = Result() if mutations else Result(failed=1, notes=["no mutation is built in"])

    def check(name: str, *options: str) -> None:
        start = log.size()
        ok = log.run([str(simulator), *options], timeout=120) == 0
        total.add(one(ok))
        if not ok:
            total.notes += [f"failed: {name}", log.tail(40, start)]

    for run in range(SIM_SEEDS):
        first = run * SIM_SEEDS_EACH + 1
        check(f"seeds from {first}", "--seeds", str(SIM_SEEDS_EACH), "--first-seed", str(first),
              "--out", str(build / "sim-failure.txt"))
    for mutation in mutations:
        check(f"mutation {mutation}", "--mutation", mutation)
    return total


TIERS: dict[str, Callable[[Log], Result]] = {
    "format": tier_format,
    "layers": tier_layers,
    "model": tier_model,
    "build": tier_build,
    "unit": tier_unit,
    "tsan": tier_tsan,
    "fuzz": tier_fuzz,
    "tidy": tier_tidy,
    "e2e": tier_e2e,
    "sim": tier_sim,
    "vm": tier_vm,
    "web": tier_web,
}
# These wait for traffic and for browsers …
WAITING = ("e2e", "vm", "web")
# … and these only compute, and look at no clock.
BESIDE = ("model", "sim", "tidy")
# What these are made of is built beside, too; they run when the machine is theirs.
BUILT_BESIDE: dict[str, Callable[[Log], Path | None]] = {
    "unit": asan_build, "tsan": tsan_build, "fuzz": fuzz_build}

printing = threading.Lock()


def run_tier(name: str, logs: Path, idle: bool = False) -> Result:
    log = Log(logs / f"{name}.log", idle)
    with printing:
        print(f"==> {name} …", flush=True)
    start = time.monotonic()
    result = TIERS[name](log)
    seconds = time.monotonic() - start
    with printing:
        print(f"    {name}: {result.passed} passed, {result.failed} failed, "
              f"{result.skipped} skipped ({seconds:.0f} s)", flush=True)
        for note in result.notes:
            print(f"      {note}")
        if result.failed:
            print(log.tail(), flush=True)
    return result


def run_beside(names: list[str], built: list[str], logs: Path, total: Result) -> None:
    try:
        for name in names:
            total.add(run_tier(name, logs, idle=True))
        for name in built:
            BUILT_BESIDE[name](Log(logs / f"{name}-build.log", idle=True))
    except BaseException as error:  # a thread's end must not look like success
        total.add(Result(failed=1, notes=[f"failed: {error!r}"]))
        raise


def run_all(names: list[str], logs: Path) -> Result:
    """Those that must be alone, before and after the others' two lanes."""
    waiting = [name for name in names if name in WAITING]
    beside = [name for name in BESIDE if name in names and waiting]
    last = [name for name in BUILT_BESIDE if name in names and waiting]
    total, of_beside = Result(), Result()
    for name in names:
        if name not in waiting + beside + last:
            total.add(run_tier(name, logs))
    lane = threading.Thread(target=run_beside, args=(beside, last, logs, of_beside))
    lane.start()
    for name in waiting:
        total.add(run_tier(name, logs))
    lane.join()
    total.add(of_beside)
    for name in last:
        total.add(run_tier(name, logs))
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiers", nargs="*", metavar="TIER", help=" ".join(TIERS))
    parser.add_argument("--list", action="store_true", help="name the tiers and end")
    parser.add_argument("--logs", type=Path, default=BUILD / "logs", help="where the logs go")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(TIERS))
        return 0
    unknown = set(arguments.tiers) - TIERS.keys()
    if unknown:
        parser.error(f"no such tier: {', '.join(sorted(unknown))}; there are: {' '.join(TIERS)}")
    if shutil.disk_usage(ROOT).free < 3 << 30:
        print("note: less than 3 GiB free on this disk; the builds may not fit", flush=True)
    arguments.logs.mkdir(parents=True, exist_ok=True)
    total = run_all(arguments.tiers or list(TIERS), arguments.logs)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())

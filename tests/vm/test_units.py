"""The unit tests that drive the kernel itself: here they meet WireGuard and fq, which the
kernel that builds Sluice may not have."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Callable

import pytest

BUILD = Path(os.environ["SLUICE_BUILD"])
# Only what this kernel answers otherwise: all of them take minutes on an emulated processor.
KERNEL_TESTS = {"os_netlink_test": "TcTest.*:XfrmTest.*-*Thousands*", "datapath_tc_test": "*Edt*:GateEsp*",
                "tunnel_xfrm_root_test": "*",
                "tunnel_wireguard_root_test": "*Carries*:*Removes*:*TakesARunning*:*PortInUse*"}


@pytest.mark.parametrize("name", KERNEL_TESTS)
def test_unit(name: str, tmp_path: Path,
              record_property: Callable[[str, object], None]) -> None:
    (binary,) = BUILD.glob(f"src/**/{name}")
    report = tmp_path / "report.json"
    done = subprocess.run([str(binary), "--gtest_brief=1", f"--gtest_output=json:{report}",
                           f"--gtest_filter={KERNEL_TESTS[name]}"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    said = json.loads(report.read_text())
    cases = [case for suite in said["testsuites"] for case in suite["testsuite"]]
    record_property("cases", len(cases))
    record_property("skipped", sum(case["result"] == "SKIPPED" for case in cases))

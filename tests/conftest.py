"""One lab for the whole run; every test starts from a fleet without quotas.

The package is `lab`, at the root of the repository. These tests need root, a kernel
with BPF, and built daemons ($SLUICE_BIN or build/bin).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lab.errors import LabError  # noqa: E402
from lab.lab import CONTROLLER, Lab, agent_name  # noqa: E402
from lab.plan import DEFAULT_PLAN  # noqa: E402
from lab.scenario import close_all  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() == 0:
        return
    for item in items:
        if "fleet" in getattr(item, "fixturenames", ()) or item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root: namespaces and BPF"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "root: needs root but not the session's lab")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What the daemons said last, and the nodes' faults, are part of a failure."""
    outcome = yield
    report = outcome.get_result()
    lab = getattr(item, "funcargs", {}).get("fleet")
    if report.failed and lab is not None and lab.phase() == "up":
        with contextlib.suppress(LabError):
            faults = {name: node["faults"] for name, node in lab.api.nodes().items()}
            report.sections.append(("the nodes' faults", json.dumps(faults, indent=1)))
        for name in (CONTROLLER, *(agent_name(node.name) for node in lab.plan.nodes)):
            report.sections.append((f"the end of {name}'s log", lab.processes.log_tail(name, 40)))


@pytest.fixture(scope="session")
def session_lab() -> Iterator[Lab]:
    lab = Lab(progress=lambda text: print(f"lab: {text}", file=sys.stderr))
    lab.up(Path(os.environ.get("SLUICE_LAB_PLAN") or DEFAULT_PLAN))
    yield lab
    lab.down()


@pytest.fixture
def fleet(session_lab: Lab) -> Iterator[Lab]:
    """The lab, whole and without quotas, whatever the last test did."""
    _make_whole(session_lab)
    yield session_lab


def _make_whole(lab: Lab) -> None:
    if lab.processes.pid(CONTROLLER) is None:
        lab.start_controller()
    for node in lab.plan.nodes:
        if lab.processes.pid(agent_name(node.name)) is None:
            lab.start_agent(node.name)
    lab.wait_online()
    close_all(lab)

"""`./run demo`: the story of a lease, each step with what was measured.

Every figure about bytes and times comes from captures in the accelerators' namespaces
and on the fabric's switches, never from a Sluice daemon's own word. What the gate
admitted, and when a lease ends, is read from the gate's pinned maps.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Callable

from . import demo_steps, traffic
from . import plan as plans
from .demo_steps import Stage
from .errors import LabError
from .lab import Lab
from .plan import DEFAULT_PLAN
from .scenario import close_all, leftovers, open_link
from .story import Story


def main(lab: Lab, once: bool, report: Path | None, color: bool) -> int:
    if report is not None:
        _check_writable(report)
    story = Story(color)
    lab.progress = story.note
    print("Sluice: no lease, no key, no bits. A fleet in network namespaces of this machine.")
    namespaces = plans.load(DEFAULT_PLAN).namespaces
    ours = False  # a lab that somebody else had up stays up
    try:
        _start(lab, story)
        ours = True
        stage = Stage(lab, story)
        for step in demo_steps.STEPS:
            _run(step, stage)
        print(f"\n{story.summary()}")
        if not once:
            _stay(lab)
    except LabError as error:
        story.fail(str(error))
    finally:
        # Ctrl-C again must not leave half a lab behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if ours:
            _end(lab, story, namespaces)
    if report is not None:
        story.write(report)
    print(f"\n{story.summary()}")
    return 0 if story.passed else 1


def _end(lab: Lab, story: Story, namespaces: list[str]) -> None:
    story.begin("The lab goes down", "Processes, namespaces, interfaces, BPF pins, files.")
    lab.down()
    rest = leftovers(lab, namespaces)
    story.check("left behind", "nothing", ", ".join(rest) or "nothing", not rest)


def _check_writable(report: Path) -> None:
    """Minutes of story must not end in a report that cannot be written."""
    try:
        with tempfile.TemporaryFile(dir=report.resolve().parent):
            pass
        if report.exists() and not os.access(report, os.W_OK):
            raise PermissionError(f"{report} is not writable")
    except OSError as error:
        raise LabError(f"cannot write the report {report}: {error}") from error


def _start(lab: Lab, story: Story) -> None:
    story.begin("The fleet comes up", "Five nodes in three enclosures, two switches, one "
                "controller. Each node joins by a one-time token through a WireGuard tunnel.")
    began = time.monotonic()
    lab.up(DEFAULT_PLAN, declare=True)
    took = time.monotonic() - began
    story.steps[-1].seconds = took
    story.check("lab up, all nodes online", "< 20 s", f"{took:.1f} s", took < 20)


def _run(step: Callable[[Stage], None], stage: Stage) -> None:
    """One step's failure is its own: the next begins from a closed fleet."""
    began = time.monotonic()
    before = len(stage.story.steps)
    try:
        step(stage)
    except LabError as error:
        if len(stage.story.steps) == before:
            raise
        stage.story.fail(str(error))
        stage.revive()
    else:
        close_all(stage.lab)
    stage.story.steps[-1].seconds = time.monotonic() - began


def _stay(lab: Lab) -> None:
    """Live traffic until Ctrl-C, and what to try meanwhile."""
    a1, b1, gateway = lab.node("a1"), lab.node("b1"), lab.node("gw")
    open_link(lab, "a1", "b1", "50Mbit", "100GB", lease="5s", back=True)
    open_link(lab, "a2", "gw", "8Mbit", "10GB", lease="5s")
    print(f"""
The lab stays up with live traffic until Ctrl-C. Console and API: {lab.api.base}
In another terminal:
  ./run ctl top                                  every link, live
  ./run ctl quota set 'a1>b1' --rate 10Mbit --volume 1GB --per lifetime --lease 5s
  ./run ctl lease revoke 'a1>b1'                 silence; back with: lease restore 'a1>b1'
  ./run lab kill controller                      traffic ends with the leases
  ./run lab start controller                     and comes back unaided
  ./run lab exec a2 ping 10.2.1.2                no quota, so no answer
  ./run ctl topology show                        each cable, and what proves it
  ./run lab rewire swap a1:fab0 b1:fab0          two cables change places: traffic ends
  ./run lab rewire restore                       and comes back unaided
""", flush=True)
    with traffic.TcpFlows(a1, b1, flows=4), \
            traffic.UdpSender(lab.node("a2"), gateway.v4, pps=500):
        before = _arrived(lab)
        while not _interrupted(1):
            now = _arrived(lab)
            print("\rarriving:  " + "   ".join(
                f"{link} {max(0, now[link] - before[link]) * 8 / 1e6:6.1f} Mbit/s" for link in now)
                + " ", end="", flush=True)
            before = now


def _interrupted(seconds: float) -> bool:
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        print()
        return True
    return False


def _arrived(lab: Lab) -> dict[str, int]:
    pairs = (("a1", "b1"), ("b1", "a1"), ("a2", "gw"))
    return {f"{s}>{d}": traffic.arrived(lab.node(d)).get(lab.node(s).v4, 0) for s, d in pairs}

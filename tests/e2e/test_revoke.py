"""Whole scopes are revoked: what must fall silent does, and the rest goes on."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import pytest
from lab import gate_pins
from lab.api import wait_until
from lab.capture import Packet
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import arrivals, capture_arrivals, is_leased, open_link
from lab.traffic import UdpSender

LINKS = (("a1", "b1"), ("b1", "a1"), ("a1", "a2"), ("b2", "b1"))


def _drive(fleet: Lab, act) -> dict[tuple[str, str], list[Packet]]:
    """What arrived on each link after `act` had returned, and a little later."""
    for src, dst in LINKS:
        open_link(fleet, src, dst, "10Mbit", "1GB", lease="20s")
    captures = {dst: capture_arrivals(fleet.node(dst)) for dst in {dst for _, dst in LINKS}}
    with ExitStack() as running:
        for capture in captures.values():
            running.enter_context(capture)
        for src, dst in LINKS:
            running.enter_context(UdpSender(fleet.node(src), fleet.node(dst).v4, pps=200))
        time.sleep(0.3)
        act()
        acted = time.time_ns()
        time.sleep(0.7)
    late = acted + 200_000_000
    return {(src, dst): [p for p in arrivals(captures[dst], fleet.node(src)) if p.time_ns > late]
            for src, dst in LINKS}


@pytest.mark.parametrize("words, silent", [
    (("node", "revoke", "b1"), {("a1", "b1"), ("b1", "a1"), ("b2", "b1")}),
    (("enclosure", "revoke", "east"), {("a1", "b1"), ("b1", "a1"), ("a1", "a2")}),
    (("stop",), set(LINKS))], ids=["node", "enclosure", "fleet"])
def test_a_scope_falls_silent_and_comes_back(fleet: Lab, words: tuple[str, ...],
                                             silent: set[tuple[str, str]]) -> None:
    said: list[dict] = []
    after = _drive(fleet, lambda: said.append(json.loads(
        fleet.ctl(*words, "--reason", "drill", "-o", "json"))["revocation"]))
    assert {link for link, packets in after.items() if not packets} == silent
    ends = {(end["link"], end["role"]): end for end in said[0]["ends"]}
    assert set(ends) == {(f"{src}>{dst}", role) for src, dst in silent
                         for role in ("send", "receive")}
    assert said[0]["silent"] and not any(end["by_expiry"] for end in ends.values())
    print(f"silent after {said[0]['silent_after_s'] * 1000:.1f} ms by the controller's reckoning")
    for src, dst in silent:
        link = fleet.api.link(f"{src}>{dst}")
        assert link["state"] == "revoked" and "drill" in link["why"]
    back = ("resume",) if words == ("stop",) else (words[0], "restore", words[2])
    fleet.ctl(*back)
    for src, dst in LINKS:
        wait_until(f"{src}>{dst}", lambda s=src, d=dst: is_leased(fleet, s, d), 10)


def test_a_stop_outlives_the_controller(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "10Mbit", "1GB", lease="5s")
    fleet.api.wait_silent(fleet.api.revoke_scope("fleet", "drill"))
    fleet.processes.kill(CONTROLLER)
    fleet.start_controller()
    fleet.wait_online()
    open_quota = {"rate": "10Mbit", "volume": "1GB"}
    fleet.api.call("PUT", "/api/v1/quotas/a1%3Eb2", open_quota)
    time.sleep(1)
    assert all(s.closed for s in gate_pins.read(fleet.pin_directory / "a1").values())
    assert fleet.api.stops() == ["fleet"]
    fleet.api.restore_scope("fleet")
    for dst in ("b1", "b2"):
        wait_until(f"a1>{dst}", lambda d=dst: is_leased(fleet, "a1", d), 10)


def test_an_end_that_is_gone_counts_when_its_lease_is_dead(fleet: Lab) -> None:
    open_link(fleet, "a1", "b1", "10Mbit", "1GB", lease="2s")
    fleet.processes.kill(agent_name("b1"))
    revocation = fleet.api.revoke_scope("node:b1")
    done = fleet.api.wait_silent(revocation)
    ends = {end["role"]: end["by_expiry"] for end in done["ends"] if end["link"] == "a1>b1"}
    assert ends == {"send": False, "receive": True}

"""Daemons killed at random while a volume is being used, again and again: what arrives
never exceeds it."""

from __future__ import annotations

import random
import time

import pytest
from lab.capture import total
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import arrivals, capture_arrivals, open_link
from lab.traffic import UdpSender

LINKS = (("a1", "b1"), ("a1", "b2"))


def _kill(fleet: Lab, victim: str) -> None:
    fleet.processes.kill(victim)
    if victim == CONTROLLER:
        fleet.start_controller()
    else:
        fleet.restart_agent(victim.removeprefix("agent-"))


def _round(fleet: Lab, victims: list[str], kills: int, chance: random.Random,
           scope_volume: int, volume: int) -> int:
    """One life of the quotas, with `kills` kills while far more is offered than allowed."""
    fleet.api.call("PUT", "/api/v1/quotas/enclosure:east", {"volume": scope_volume})
    for src, dst in LINKS:
        open_link(fleet, src, dst, "10Mbit", volume, lease="1s")
    receivers = {dst: capture_arrivals(fleet.node(dst)) for _, dst in LINKS}
    senders = [UdpSender(fleet.node(src), fleet.node(dst).v4, pps=300, ip_bytes=1000)
               for src, dst in LINKS]
    for part in (*receivers.values(), *senders):
        part.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0, 0.2))
        _kill(fleet, chance.choice(victims))
    for part in (*senders, *receivers.values()):
        part.stop()
    arrived = {dst: total(arrivals(receivers[dst], fleet.node(src))).bytes for src, dst in LINKS}
    assert max(arrived.values()) <= volume
    assert sum(arrived.values()) <= scope_volume
    fleet.wait_online()
    for link in list(fleet.api.quotas()):
        fleet.api.delete_quota(link)
    return sum(arrived.values())


@pytest.mark.parametrize("victims, rounds, kills", [
    ([CONTROLLER], 10, 20), ([agent_name("a1"), agent_name("b1"), agent_name("b2")], 5, 10)],
    ids=["controller", "agents"])
def test_killed_at_random(fleet: Lab, victims: list[str], rounds: int, kills: int) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    print(f"seed {seed}")
    arrived = [_round(fleet, victims, kills, chance, 1_200_000, 700_000) for _ in range(rounds)]
    # What a crash left unreported counts as spent, but most rounds still carry traffic.
    assert sorted(arrived)[rounds // 2] > 100_000, f"seed {seed}: {arrived}"

"""Daemons killed at random while a volume is being used, again and again: what arrives
never exceeds it."""

from __future__ import annotations

import random
import time

import pytest
from lab.capture import total
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import arrivals, capture_arrivals, open_link
from lab.traffic import UDP_PORT, UdpSender

LINKS = (("a1", "b1"), ("a1", "b2"))
SCOPE_VOLUME, VOLUME = 1_200_000, 700_000  # of enclosure east, of each link


def _kill(fleet: Lab, victim: str) -> None:
    fleet.processes.kill(victim)
    if victim == CONTROLLER:
        fleet.start_controller()
    else:
        fleet.restart_agent(victim.removeprefix("agent-"))


def _round(fleet: Lab, victims: list[str], kills: int, chance: random.Random, port: int) -> None:
    """One life of the quotas, with `kills` kills while far more is offered than allowed."""
    fleet.api.call("PUT", "/api/v1/quotas/enclosure:east", {"volume": SCOPE_VOLUME})
    for src, dst in LINKS:
        open_link(fleet, src, dst, "10Mbit", VOLUME, lease="1s")
    senders = [UdpSender(fleet.node(src), fleet.node(dst).v4, pps=300, ip_bytes=1000, port=port)
               for src, dst in LINKS]
    for sender in senders:
        sender.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0, 0.2))
        _kill(fleet, chance.choice(victims))
    for sender in senders:
        sender.stop()
    fleet.wait_online()
    for link in list(fleet.api.quotas()):
        fleet.api.delete_quota(link)


@pytest.mark.parametrize("victims, rounds, kills", [
    ([CONTROLLER], 10, 20), ([agent_name("a1"), agent_name("b1"), agent_name("b2")], 5, 10)],
    ids=["controller", "agents"])
def test_killed_at_random(fleet: Lab, victims: list[str], rounds: int, kills: int) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    print(f"seed {seed}")
    # A port for each life: on a busy machine a packet may arrive when the next has begun.
    ports = [UDP_PORT + 1 + life for life in range(rounds)]
    captures = {dst: capture_arrivals(fleet.node(dst)) for _, dst in LINKS}
    for capture in captures.values():
        capture.start()
    for port in ports:
        _round(fleet, victims, kills, chance, port)
    for capture in captures.values():
        capture.stop()
    arrived = []
    for port in ports:
        links = [total([p for p in arrivals(captures[dst], fleet.node(src))
                        if p.dst_port == port]).bytes for src, dst in LINKS]
        assert max(links) <= VOLUME, f"seed {seed}: {links}"
        assert sum(links) <= SCOPE_VOLUME, f"seed {seed}: {links}"
        arrived.append(sum(links))
    # What a crash left unreported counts as spent, but most rounds still carry traffic.
    assert sorted(arrived)[rounds // 2] > 100_000, f"seed {seed}: {arrived}"

"""Under a stock kernel the nodes use what that kernel has: they say so, and the kernel's
own tools say the same. A tunnel of another kind gets a line in TUNNELS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from lab import netns
from lab.lab import Lab


@dataclass(frozen=True)
class Tunnel:
    choice: str  # what the node says
    kind: str  # what `ip -d link` says of its device


TUNNELS = (Tunnel("wireguard (kernel)", "wireguard"),)


def _json(namespace: str, *words: str) -> list[dict[str, Any]]:
    return json.loads(netns.run(namespace, *words).stdout)


def _kind(namespace: str, device: str) -> str:
    (link,) = _json(namespace, "ip", "-j", "-d", "link", "show", device)
    return link["linkinfo"]["info_kind"]


def _root_queue(namespace: str, device: str) -> dict[str, Any]:
    queues = _json(namespace, "tc", "-j", "qdisc", "show", "dev", device)
    return next(q for q in queues if q.get("root"))


@pytest.mark.parametrize("tunnel", TUNNELS, ids=lambda tunnel: tunnel.kind)
def test_tunnels_are_the_kernels(fleet: Lab, tunnel: Tunnel) -> None:
    """The links' tunnels, and the control tunnel at both of its ends."""
    listed = json.loads(fleet.ctl("node", "list", "-o", "json"))["nodes"]
    for said in listed:
        choices = {c["name"]: c["choice"] for c in said["capabilities"]}
        assert choices["tunnel"] == tunnel.choice, said
        node = fleet.node(said["name"])
        assert _kind(node.dpu, f"slu-{node.name}") == tunnel.kind
        assert _kind(node.dpu, f"slc-{node.name}") == "wireguard"
    machine = fleet.plan.controller.name
    assert _kind(machine, f"slc-{machine}") == "wireguard"
    assert {n["name"] for n in listed} == {n.name for n in fleet.plan.nodes}


def test_shaper_is_edt_and_fq(fleet: Lab) -> None:
    for said in json.loads(fleet.ctl("node", "list", "-o", "json"))["nodes"]:
        choices = {c["name"]: c["choice"] for c in said["capabilities"]}
        assert choices["shaper"] == "edt+fq", said
        node = fleet.node(said["name"])
        assert _root_queue(node.dpu, f"slu-{node.name}")["kind"] == "fq"

"""Where cables are plugged in.

A cable's end at a switch, and that of a direct cable in the patch panel, is a *plug*: a veth
device that can be taken out of one *jack* and put into another. The node's own device, the
cable's other end, is never touched, as with a real cable. Plug and jack have the same name
when the plug is where the plan has it: "leaf1:p1" for a switch's port, "a1:fab1" for what
belongs to that node's port in the panel.

  dpu-a1: fab0 ───── plug in jack leaf1:p1 (sw-leaf1: p1, in br0)
  dpu-a1: fab1 ───── plug in jack a1:fab1 (panel: a1-fab1)  ┐ a patch: tc sends whatever
  dpu-b1: fab1 ───── plug in jack b1:fab1 (panel: b1-fab1)  ┘ arrives at one out of the other
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from . import netns
from .plan import Plan

_ALIAS = "plug="
_DEVICE_LETTERS = 15
_FIRST_INDEX = 1000  # above what the kernel itself gives to a namespace's devices


@dataclass(frozen=True)
class Jack:
    namespace: str
    device: str  # what is plugged in here has this name


@dataclass(frozen=True)
class Found:
    """A plug where it really is."""

    namespace: str
    device: str


class Wiring:
    """The jacks and plugs of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.jacks: dict[str, Jack] = {}
        self.tails: dict[str, str] = {}  # by plug: a node's port, or the cable's other plug
        self.patches: list[tuple[str, str]] = []  # pairs of jacks in the panel
        devices = _panel_devices(plan)
        for cable in plan.cables:
            ends = [":".join(end) for end in cable.ends]
            direct = cable in plan.direct
            if direct:
                self.patches.append((ends[0], ends[1]))
            for (name, port), here, there in zip(cable.ends, ends, ends[::-1]):
                if direct:
                    self.jacks[here] = Jack(plan.panel, devices[here])
                    self.tails[here] = here
                elif plan.machines[name].role == "switch":
                    self.jacks[here] = Jack(f"sw-{name}", port)
                    self.tails[here] = there

    def plug_of(self, port: str) -> str:
        """The plug at the far end of the cable from this port of a node or controller."""
        return next(plug for plug, tail in self.tails.items() if tail == port)

    def number(self, plug: str) -> int:
        """The plug's interface index, which it keeps wherever it goes."""
        return _FIRST_INDEX + list(self.jacks).index(plug)

    def partner(self, jack: str) -> str | None:
        """The jack that the panel connects with this one."""
        for left, right in self.patches:
            if jack in (left, right):
                return right if jack == left else left
        return None


def _panel_devices(plan: Plan) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, port in (end for cable in plan.direct for end in cable.ends):
        device = f"{name}-{port}"
        # Too long for the kernel, or "a-b" + "c" beside "a" + "b-c".
        if len(device) > _DEVICE_LETTERS or device in names.values():
            device = f"jack{len(names)}"
        names[f"{name}:{port}"] = device
    return names


def alias(plug: str) -> str:
    """What the kernel keeps as the device's alias, through all renaming and moving."""
    return _ALIAS + plug


def find_plugs(namespaces: list[str]) -> dict[str, Found]:
    """Every plug, as the kernel has it now."""
    def look(namespace: str) -> dict[str, Found]:
        links = json.loads(netns.call(["ip", "-n", namespace, "-j", "link"]).stdout or "[]")
        return {link["ifalias"].removeprefix(_ALIAS): Found(namespace, link["ifname"])
                for link in links if link.get("ifalias", "").startswith(_ALIAS)}

    found: dict[str, Found] = {}
    for some in netns.in_parallel([lambda n=n: look(n) for n in namespaces]):
        found.update(some)
    return found


def patch(namespace: str, left: str, right: str) -> None:
    """Makes two devices one wire. tc takes each frame before a bridge or the stack could
    look at it, so that link-local multicast passes too."""
    for device in (left, right):
        netns.call(["tc", "-n", namespace, "qdisc", "del", "dev", device, "clsact"], check=False)
    lines = []
    for here, there in ((left, right), (right, left)):
        lines += [f"qdisc add dev {here} clsact",
                  f"filter add dev {here} ingress protocol all u32 match u32 0 0 "
                  f"action mirred egress redirect dev {there}"]
    netns.call(["tc", "-n", namespace, "-batch", "-"], stdin="\n".join(lines) + "\n")


def is_patched(namespace: str, left: str, right: str) -> bool:
    return all(_redirect(namespace, here) == there
               for here, there in ((left, right), (right, left)))


def _redirect(namespace: str, device: str) -> str:
    """The device that frames which arrive here go out of; empty if there is none."""
    done = netns.call(["tc", "-n", namespace, "-j", "filter", "show", "dev", device, "ingress"],
                      check=False)
    for entry in json.loads(done.stdout or "[]"):
        for action in entry.get("options", {}).get("actions", []):
            if action.get("kind") == "mirred":
                return action.get("to_dev", "")
    return ""

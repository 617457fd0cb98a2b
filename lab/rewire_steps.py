"""Makes the cables as a rewire.State says, from however they are.

Nothing here trusts what was recorded: plugs are looked for where they really are. First all
that is in the wrong place comes out and loses its carrier, then boxes go and come, then
everything is put in and set up.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import lldp, netns, processes, relay
from . import wiring as wires
from .api import wait_until
from .errors import LabError, NoUseWaiting
from .network import NO_IPV6
from .wiring import Found, Jack, Wiring

if TYPE_CHECKING:
    from .lab import Lab
    from .rewire import State

# How long a cable that is being re-plugged is out: enough for both ends' kernels to tell.
_OUT_S = 0.1


def converge(lab: Lab, wiring: Wiring, state: State, interrupted: bool) -> None:
    """`interrupted`: what was done last may have come to any point."""
    fabric = sorted({jack.namespace for jack in wiring.jacks.values()})
    old = _our(lab, "box")
    new = {box["namespace"]: plug for plug, box in state.splices.items()}
    made = [name for name in new if name not in old]
    for name in made:
        _make_namespace(lab, name, "box")
    found = wires.find_plugs([*fabric, *old])
    if gone := sorted(set(wiring.tails) - set(found)):
        raise LabError(f"the devices of {', '.join(gone)} are gone; take the lab down and up")
    wanted = {plug: _target(wiring, state, plug) for plug in wiring.tails}
    moving = [plug for plug in wiring.tails
              if found[plug] != Found(wanted[plug].namespace, wanted[plug].device)]
    touched = {where.namespace for plug in moving
               for where in (found[plug], wanted[plug], wiring.jacks[state.jack(plug)])}
    for plug in moving:
        found[plug] = _take_out(found[plug], wanted[plug], f"tmp.{wiring.number(plug)}")
    for name in old:
        if name not in new:
            _remove_box(lab, name)
    for name in made:
        _make_box(lab, wiring, state, new[name], found[new[name]].device)
    _rogues(lab, state)
    _put_in(lab, found, wanted, [plug for plug in moving if plug not in state.splices])
    patched = _patch(lab, wiring)
    if moving or patched:
        time.sleep(_OUT_S)
    _set_carriers(lab, wiring, state, wanted)
    for switch in lab.plan.switches:
        if switch.lldp and (interrupted or switch.namespaces[0] in touched):
            lldp.restart(lab, switch)


def _our(lab: Lab, kind: str) -> list[str]:
    """The namespaces of this kind that operations made and that are still there."""
    names = dict.fromkeys(entry["name"] for entry in lab.journal.entries(kind))
    return [name for name in names if netns.exists(name)]


def _make_namespace(lab: Lab, name: str, kind: str) -> None:
    if netns.exists(name):
        raise LabError(f"a network namespace {name} exists and the lab did not make it; remove it "
                       f"with `ip netns delete {name}`, then run `./run lab rewire restore`")
    lab.journal.record("namespaces", names=[name])
    lab.journal.record(kind, name=name)
    netns.ip_batch([f"netns add {name}"])
    netns.set_sysctls(name, NO_IPV6)


def _target(wiring: Wiring, state: State, plug: str) -> Jack:
    """Where the plug's device shall be: in its jack, or in the box before it."""
    if plug in state.splices:
        return Jack(state.splices[plug]["namespace"], "left")
    return wiring.jacks[state.jack(plug)]


def _take_out(here: Found, wanted: Jack, passing: str) -> Found:
    """Moves the plug to the namespace where it goes, under a name that no port can have: the
    one that it shall have may be in use."""
    lines = [f"link set dev {here.device} down"]
    if here.device != passing:
        lines.append(f"link set dev {here.device} name {passing}")
    if here.namespace != wanted.namespace:
        lines.append(f"link set dev {passing} netns {wanted.namespace}")
    netns.ip_batch(lines, here.namespace)
    return Found(wanted.namespace, passing)


def _relay_name(box: str) -> str:
    return f"relay-{box}"


def _remove_box(lab: Lab, name: str) -> None:
    lab.processes.stop(_relay_name(name))
    # The kernel clears a deleted namespace in its own time; the jack is needed now.
    netns.call(["ip", "-n", name, "link", "delete", "right"], check=False)
    netns.ip_batch([f"netns delete {name}"])


def _make_box(lab: Lab, wiring: Wiring, state: State, plug: str, device: str) -> None:
    """Another piece of cable leads from the box to the jack where the plug was."""
    name, delay_us = state.splices[plug]["namespace"], state.splices[plug]["delay_us"]
    jack, mtu = wiring.jacks[state.jack(plug)], lab.plan.fabric_mtu
    netns.ip_batch([f"link add {jack.device} mtu {mtu} type veth peer name right mtu {mtu} "
                    f"netns {name}", *_into_switch(lab, jack)], jack.namespace)
    lines = [f"link set dev {device} name left", "link set right up"]
    if delay_us is None:
        lines += [f"link add br0 mtu {mtu} type bridge stp_state 0 forward_delay 0 "
                  "mcast_snooping 0",
                  "link set left master br0", "link set right master br0", "link set br0 up"]
    netns.ip_batch(lines, name)
    if delay_us is not None:
        _start_relay(lab, name, delay_us)


def _start_relay(lab: Lab, box: str, delay_us: int) -> None:
    ready = lab.run_directory / f"{_relay_name(box)}.ready"
    ready.unlink(missing_ok=True)
    lab.processes.start(_relay_name(box), box, [
        sys.executable, "-B", str(Path(relay.__file__).resolve()), "left", "right", str(delay_us),
        str(ready)])

    def is_ready() -> bool:
        if lab.processes.pid(_relay_name(box)) is None:
            raise NoUseWaiting("the relay ended; its log ends with:\n"
                               + lab.processes.log_tail(_relay_name(box)))
        return ready.exists()

    wait_until("the relay to be ready", is_ready, 10)


def _into_switch(lab: Lab, jack: Jack) -> list[str]:
    return [] if jack.namespace == lab.plan.panel else [f"link set dev {jack.device} master br0"]


def _put_in(lab: Lab, found: dict[str, Found], wanted: dict[str, Jack],
            moving: list[str]) -> None:
    for plug in moving:
        jack = wanted[plug]
        netns.ip_batch([f"link set dev {found[plug].device} name {jack.device}",
                        *_into_switch(lab, jack)], jack.namespace)


def _patch(lab: Lab, wiring: Wiring) -> bool:
    """Makes the panel's patches that are not as they shall be; both ends go down, as those
    of a cable do that is pulled at one. Whether there were any."""
    any_made = False
    for pair in wiring.patches:
        left, right = (wiring.jacks[jack].device for jack in pair)
        if wires.is_patched(lab.plan.panel, left, right):
            continue
        netns.ip_batch([f"link set dev {device} down" for device in (left, right)], lab.plan.panel)
        wires.patch(lab.plan.panel, left, right)
        any_made = True
    return any_made


def _set_carriers(lab: Lab, wiring: Wiring, state: State, wanted: dict[str, Jack]) -> None:
    # A box keeps the carrier of the end behind it.
    dark = {plug for cut in state.cut for plug in state.wire(wiring, cut)
            if plug == cut or not {plug, cut} & set(state.splices)}
    lines: dict[str, list[str]] = {}
    for plug, jack in wanted.items():
        way = "down" if plug in dark else "up"
        lines.setdefault(jack.namespace, []).append(f"link set dev {jack.device} {way}")
        # The piece of cable behind a box.
        if plug in state.splices:
            behind = wiring.jacks[state.jack(plug)]
            lines.setdefault(behind.namespace, []).append(f"link set dev {behind.device} up")
    for namespace, some in lines.items():
        netns.ip_batch(some, namespace)


def _rogues(lab: Lab, state: State) -> None:
    there = _our(lab, "rogue")
    for name in there:
        if name not in state.rogues:
            processes.end_all(netns.pids(name))
            netns.call(["ip", "-n", name, "link", "delete", "eth0"], check=False)
            netns.ip_batch([f"netns delete {name}"])
    for name, rogue in state.rogues.items():
        if name in there:
            continue
        _make_namespace(lab, name, "rogue")
        mtu, port = lab.plan.fabric_mtu, rogue["port"]
        netns.ip_batch([f"link add {port} mtu {mtu} type veth peer name eth0 mtu {mtu} "
                        f"netns {name}",
                        f"link set dev {port} master br0", f"link set dev {port} up"],
                       f"sw-{rogue['switch']}")
        address = [f"addr add {rogue['address']}/24 dev eth0"] if rogue["address"] else []
        netns.ip_batch([*address, "link set lo up", "link set eth0 up"], name)

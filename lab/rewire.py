"""Changes cables while the lab runs: swapped, cut, with a box in them, with a strange machine
beside them; and back to the plan.

Each operation works out how all plugs (wiring.py) shall be, writes that to the journal, and
`rewire_steps.converge` makes it so from whatever it finds. An operation that was killed half
way therefore costs nothing but a `restore`.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Iterator

from . import lldp, rewire_steps
from .errors import LabError
from .plan import NAME, Cable, switches_loop
from .wiring import Wiring

if TYPE_CHECKING:
    from .lab import Lab


@dataclass
class State:
    """How everything is plugged in; without arguments as planned."""

    moved: dict[str, str] = field(default_factory=dict)  # plug → jack, if not its own
    cut: list[str] = field(default_factory=list)  # plugs
    # plug → {"namespace": …, "delay_us": a relay's, or None for a bridge}
    splices: dict[str, dict[str, Any]] = field(default_factory=dict)
    # namespace → {"switch": …, "port": …, "address": IPv4 or ""}
    rogues: dict[str, dict[str, str]] = field(default_factory=dict)

    def jack(self, plug: str) -> str:
        return self.moved.get(plug, plug)

    def plug_in(self, jack: str) -> str:
        """The plug whose cable leads to this jack, perhaps through a box."""
        return next((plug for plug, where in self.moved.items() if where == jack), jack)

    def wire(self, wiring: Wiring, plug: str) -> list[str]:
        """The plugs that a cut of this plug's cable takes the carrier from: its own, and at
        the other end of a cable between switches, or across the panel, that one's."""
        tail = wiring.tails[plug]
        if tail != plug and tail in wiring.tails:
            return [plug, tail]
        partner = wiring.partner(self.jack(plug))
        return [plug, self.plug_in(partner)] if partner else [plug]


@contextlib.contextmanager
def _changing(lab: Lab, whatever: bool = False) -> Iterator[tuple[Wiring, State]]:
    """The state to change; at the end it is recorded and made real."""
    if lab.phase() != "up":
        raise LabError("no lab is up; start one with `./run lab up`")
    lab.journal.lock()
    try:
        latest = lab.journal.latest("rewire")
        interrupted = bool(latest and not latest["done"])
        if interrupted and not whatever:
            raise LabError("the last rewiring was interrupted; put everything back first with "
                           "`./run lab rewire restore`")
        state = _state(latest)
        wiring = Wiring(lab.plan)
        yield wiring, state
        lab.journal.record("rewire", done=False, state=asdict(state))
        rewire_steps.converge(lab, wiring, state, interrupted)
        lab.journal.record("rewire", done=True, state=asdict(state))
    finally:
        lab.journal.unlock()


def _state(entry: dict[str, Any]) -> State:
    return State(**entry["state"]) if entry else State()


def _split(lab: Lab, text: str) -> tuple[str, str]:
    name, _, port = text.partition(":")
    machine = lab.plan.machines.get(name)
    if not port or machine is None:
        names = ", ".join(lab.plan.machines)
        raise LabError(f'"{text}" is no port: write it as a1:fab0; the plan has {names}')
    if port not in machine.ports:
        raise LabError(f'"{name}" has no port "{port}"; it has {", ".join(machine.ports)}')
    return name, port


def _is_switch(lab: Lab, port: str) -> bool:
    return lab.plan.machines[_split(lab, port)[0]].role == "switch"


def _plug(lab: Lab, wiring: Wiring, state: State, port: str) -> str:
    """The plug that moves when the cable at this port is another: of a node's port the one
    at the cable's far end, of a switch's port what is plugged in there."""
    return state.plug_in(port) if _is_switch(lab, port) else wiring.plug_of(port)


def swap(lab: Lab, a: str, b: str) -> None:
    """The cables at these two ports ("a1:fab0", "b1:fab0") change places there."""
    with _changing(lab) as (wiring, state):
        if _is_switch(lab, a) != _is_switch(lab, b):
            raise LabError(f"{a} and {b} are a switch's port and a node's; name two ports of "
                           "switches, or two of nodes")
        plugs = [_plug(lab, wiring, state, port) for port in (a, b)]
        if plugs[1] in state.wire(wiring, plugs[0]):
            raise LabError(f"{a} and {b} are the ends of one cable")
        for port, plug in zip((a, b), plugs):
            _refuse_changed(wiring, state, port, plug)
        jacks = [state.jack(plug) for plug in plugs]
        for plug, jack in zip(plugs, reversed(jacks)):
            state.moved[plug] = jack
            if plug == jack:
                del state.moved[plug]
        _refuse_loop(lab, wiring, state)


def _refuse_changed(wiring: Wiring, state: State, port: str, plug: str) -> None:
    wire = state.wire(wiring, plug)
    if any(p in state.cut for p in wire):
        raise LabError(f"the cable at {port} is cut; mend it first")
    if any(p in state.splices for p in wire):
        raise LabError(f"there is a box in the cable at {port} already; "
                       "`./run lab rewire restore` takes it out")


def _refuse_loop(lab: Lab, wiring: Wiring, state: State) -> None:
    def end(plug: str) -> tuple[str, str]:
        name, _, port = state.jack(plug).partition(":")
        return name, port

    cables = [Cable((end(plug), end(tail))) for plug, tail in wiring.tails.items()
              if tail in wiring.tails and plug < tail]
    # A cable whose ends are in one switch is a loop of one.
    if not lab.plan.has_loop and switches_loop(lab.plan.machines, cables):
        raise LabError("that would make a loop of switches, and these run no spanning tree: "
                       "one broadcast would fill the fabric for ever")


def cut(lab: Lab, port: str) -> None:
    """Both ends of the cable at this port lose their carrier."""
    with _changing(lab) as (wiring, state):
        plug = _plug(lab, wiring, state, port)
        if any(p in state.cut for p in state.wire(wiring, plug)):
            raise LabError(f"the cable at {port} is cut already")
        state.cut.append(plug)


def mend(lab: Lab, port: str) -> None:
    with _changing(lab) as (wiring, state):
        wire = state.wire(wiring, _plug(lab, wiring, state, port))
        if not any(plug in state.cut for plug in wire):
            raise LabError(f"the cable at {port} is not cut")
        state.cut = [plug for plug in state.cut if plug not in wire]


def splice(lab: Lab, port: str, delay_us: int | None = None) -> str:
    """Puts a box into the cable at this port and returns the box's namespace; its devices are
    left, towards the plug, and right. Without a delay it is a Linux bridge, which keeps LLDP
    and the like to itself; with one, even of 0, a relay that passes everything."""
    with _changing(lab) as (wiring, state):
        plug = _plug(lab, wiring, state, port)
        _refuse_changed(wiring, state, port, plug)
        if delay_us is not None and not 0 <= delay_us <= 10_000_000:
            raise LabError("a relay's delay is from 0 to 10s")
        namespace = f"box-{plug.replace(':', '-')}"
        state.splices[plug] = {"namespace": namespace, "delay_us": delay_us}
    return namespace


def plug_rogue(lab: Lab, switch: str, address: str = "", name: str = "rogue") -> str:
    """Plugs a machine that no plan knows into a new port of the switch; returns its
    namespace, where its device is eth0. The switch's port has the same name as it."""
    with _changing(lab) as (_, state):
        machine = lab.plan.machines.get(switch)
        if machine is None or machine.role != "switch":
            names = ", ".join(s.name for s in lab.plan.switches)
            raise LabError(f'there is no switch "{switch}"; the plan has {names}')
        if not NAME.fullmatch(name) or name in machine.ports or name in state.rogues:
            raise LabError(f'"{name}" is taken, or no name')
        state.rogues[name] = {"switch": switch, "port": name, "address": address}
    return name


def unplug_rogue(lab: Lab, name: str = "rogue") -> None:
    with _changing(lab) as (_, state):
        if state.rogues.pop(name, None) is None:
            raise LabError(f'there is no rogue "{name}"')


def restore(lab: Lab) -> None:
    """Everything as the plan has it, whatever was done, or was half done; switches that were
    silenced speak again."""
    with _changing(lab, whatever=True) as (_, state):
        state.moved, state.cut, state.splices, state.rogues = {}, [], {}, {}
    lldp.start_all(lab)


def show(lab: Lab) -> dict[str, Any]:
    """What differs from the plan. "moved" lists ports that are cabled to others than planned:
    {"port", "planned", "actual"}."""
    if lab.phase() != "up":
        raise LabError("no lab is up; start one with `./run lab up`")
    latest = lab.journal.latest("rewire")
    state, wiring = _state(latest), Wiring(lab.plan)
    planned, actual = _neighbours(wiring, State()), _neighbours(wiring, state)
    moved = [{"port": port, "planned": planned[port], "actual": actual[port]}
             for port in sorted(planned) if planned[port] != actual[port]]
    return {
        "whole": state == State() and bool(not latest or latest["done"]),
        "interrupted": bool(latest and not latest["done"]),
        "moved": moved,
        "cut": [_port_of(wiring, plug) for plug in state.cut],
        "spliced": [{"port": _port_of(wiring, plug), **box}
                    for plug, box in state.splices.items()],
        "rogues": [{"namespace": name, **rogue} for name, rogue in state.rogues.items()],
    }


def _port_of(wiring: Wiring, plug: str) -> str:
    """By which port people know the cable: the node's, if there is one."""
    return wiring.tails[plug] if wiring.tails[plug] not in wiring.tails else plug


def _neighbours(wiring: Wiring, state: State) -> dict[str, str]:
    """Which port each port is cabled to, boxes not counted."""
    found: dict[str, str] = {}
    for plug, tail in wiring.tails.items():
        jack = state.jack(plug)
        partner = wiring.partner(jack)
        there = wiring.tails[state.plug_in(partner)] if partner else jack
        here = state.jack(tail) if tail != plug and tail in wiring.tails else tail
        found[here] = there
        if not partner:
            found[there] = here
    return found


def delay_us(text: str) -> int:
    """ "2ms", "500us", "1s" or "0" in microseconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s)|0", text)
    if not match:
        raise LabError(f'"{text}" is no delay; write 2ms, 500us, 1s or 0')
    if text == "0":
        return 0
    return round(float(match.group(1)) * {"us": 1, "ms": 1000, "s": 1_000_000}[match.group(2)])

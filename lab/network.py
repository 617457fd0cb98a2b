"""Namespaces, cables and addresses of a plan.

  acc-<node>: eth0 ── veth ── acc0 :dpu-<node>: fab0 ── veth ── port :sw-<switch>: br0

Cables are made directly between namespaces, so nothing ever appears in the host's. Those
between two nodes run through a patch panel (wiring.py).
"""

from __future__ import annotations

from . import netns
from .errors import LabError
from .journal import Journal
from .plan import OUTSIDE_V4, OUTSIDE_V6, Machine, Plan
from .wiring import Wiring, alias, patch

_QUIET_IPV6 = {
    f"ipv6/conf/{scope}/{key}": value for scope in ("all", "default") for key, value in {
        "accept_dad": "0", "dad_transmits": "0", "accept_ra": "0", "router_solicitations": "0",
        "optimistic_dad": "0",
    }.items()
}
NO_IPV6 = {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}


def refuse_foreign(plan: Plan) -> None:
    """The lab touches only namespaces that it made: names that are taken are an error."""
    taken = [name for name in plan.namespaces if netns.exists(name)]
    if taken:
        raise LabError(f"network namespaces of these names exist and the lab did not make them: "
                       f"{', '.join(taken)}; remove them with `ip netns delete NAME`, or give the "
                       "plan's nodes other names")


def build(plan: Plan, journal: Journal) -> None:
    journal.record("namespaces", names=plan.namespaces)
    netns.ip_batch(f"netns add {name}" for name in plan.namespaces)
    wiring = Wiring(plan)
    netns.in_parallel([lambda m=m: _prepare(m) for m in plan.machines.values()])
    if plan.panel:
        netns.set_sysctls(plan.panel, NO_IPV6)
    netns.ip_batch([*_accelerator_cables(plan), *_fabric_cables(plan, wiring)])
    netns.in_parallel([lambda m=m: _configure(plan, m) for m in plan.machines.values()])
    _configure_panel(plan, wiring)


def _prepare(machine: Machine) -> None:
    for name in machine.namespaces:
        quiet = NO_IPV6 if machine.role == "switch" else _QUIET_IPV6
        netns.set_sysctls(name, quiet)


def _accelerator_cables(plan: Plan) -> list[str]:
    return [f"link add eth0 mtu {plan.accelerator_mtu} netns {node.acc} type veth "
            f"peer name acc0 mtu {plan.accelerator_mtu} netns {node.dpu}" for node in plan.nodes]


def _fabric_cables(plan: Plan, wiring: Wiring) -> list[str]:
    """A direct cable is two: one from each node to the panel."""
    mtu, lines = plan.fabric_mtu, []

    def add(plug: str, far_namespace: str, far_device: str) -> None:
        jack = wiring.jacks[plug]
        # With a number that no other device has: the kernel tells of the carrier of a veth at
        # once, but at most once a second if it happens to have the same number as its peer.
        lines.append(f"link add {jack.device} index {wiring.number(plug)} mtu {mtu} "
                     f"netns {jack.namespace} type veth "
                     f"peer name {far_device} mtu {mtu} netns {far_namespace}")

    for cable in plan.cables:
        ends = [(":".join(end), end) for end in cable.ends]
        if cable in plan.direct:
            for plug, (name, port) in ends:
                add(plug, _fabric_side(plan, name), port)
            continue
        (plug, _), (_, (name, port)) = sorted(ends, key=lambda e: e[0] not in wiring.jacks)
        add(plug, _fabric_side(plan, name), port)
    return lines


def _fabric_side(plan: Plan, name: str) -> str:
    return plan.machines[name].namespaces[-1]


def _configure(plan: Plan, machine: Machine) -> None:
    if machine.is_node:
        _configure_accelerator(plan, machine)
        _configure_fabric_host(machine, machine.dpu, _dpu_accelerator_side(machine))
        _count_packets(machine)
    elif machine.role == "switch":
        _configure_switch(plan, machine)
    else:
        _configure_fabric_host(machine, machine.name, [])


def _configure_accelerator(plan: Plan, node: Machine) -> None:
    lines = ["link set lo up",
             f"addr add {node.v4}/24 dev eth0",
             f"addr add {node.v6}/64 dev eth0 nodad"]
    if node.role == "gateway":
        lines += [f"addr add {OUTSIDE_V4}/32 dev lo", f"addr add {OUTSIDE_V6}/128 dev lo nodad"]
    if plan.gso_max_size:
        lines.append(f"link set eth0 gso_max_size {plan.gso_max_size}")
    lines += ["link set eth0 up",
              f"route add default via {node.v4_net}.1",
              f"route add ::/0 via {node.v6_net}1"]
    netns.ip_batch(lines, node.acc)


def _dpu_accelerator_side(node: Machine) -> list[str]:
    # Accelerators receive packets as they are on a wire, never merged ones, so that
    # whatever counts there counts every header.
    lines = ["link set acc0 gso_max_segs 1",
             f"addr add {node.v4_net}.1/24 dev acc0",
             f"addr add {node.v6_net}1/64 dev acc0 nodad",
             "link set acc0 up"]
    if node.role == "gateway":
        lines += [f"route add default via {node.v4} dev acc0",
                  f"route add ::/0 via {node.v6} dev acc0"]
    return lines


def _configure_fabric_host(machine: Machine, name: str, extra: list[str]) -> None:
    # The fabric is IPv4; without this each port would multicast for itself on IPv6.
    netns.set_sysctls(name, {f"ipv6/conf/{port}/disable_ipv6": "1" for port in machine.ports})
    lines = ["link set lo up"]
    for port in machine.ports.values():
        lines += [f"addr add {port.address}/24 dev {port.name}", f"link set {port.name} up"]
    netns.ip_batch(lines + extra, name)


def _configure_switch(plan: Plan, switch: Machine) -> None:
    # Only a loop needs the spanning tree, which costs twice the forward delay at start.
    stp = "stp_state 1 forward_delay 200" if plan.has_loop else "stp_state 0 forward_delay 0"
    lines = ["link set lo up",
             f"link add br0 mtu {plan.fabric_mtu} type bridge {stp} mcast_snooping 0"]
    for port in switch.ports:
        lines += [f"link set dev {port} master br0 alias {alias(f'{switch.name}:{port}')}",
                  f"link set dev {port} up"]
    netns.ip_batch([*lines, "link set br0 up"], switch.namespaces[0])


def _configure_panel(plan: Plan, wiring: Wiring) -> None:
    if not plan.panel:
        return
    devices = {plug: jack.device for plug, jack in wiring.jacks.items()
               if jack.namespace == plan.panel}
    netns.ip_batch([f"link set dev {device} alias {alias(plug)} up"
                    for plug, device in devices.items()], plan.panel)
    for left, right in wiring.patches:
        patch(plan.panel, devices[left], devices[right])


def _count_packets(node: Machine) -> None:
    """nftables counters by source of what arrives at the accelerator, as a witness that
    runs all the time."""
    netns.run(node.acc, "nft", "-f", "-", stdin="""
table inet sluice_lab {
  set from4 { type ipv4_addr; size 65535; flags dynamic; counter; }
  set from6 { type ipv6_addr; size 65535; flags dynamic; counter; }
  chain arriving {
    type filter hook prerouting priority -300; policy accept;
    iifname "eth0" update @from4 { ip saddr }
    iifname "eth0" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } return
    iifname "eth0" update @from6 { ip6 saddr }
  }
}
""")

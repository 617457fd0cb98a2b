"""What runs under which kernel: tests of this folder, and of tests/e2e as they are.

The machine's processor is emulated. Kernel WireGuard carries some 35 Mbit/s there, so
only tests whose figures do not depend on more are named.
"""

from __future__ import annotations

BACKENDS = ("tests/vm/test_backends.py",)
E2E = (
    # Default deny, and clear text.
    "tests/e2e/test_gate.py::test_no_lease_no_bytes",
    "tests/e2e/test_gate.py::test_nothing_in_clear_on_the_fabric_whatever_happens",
    # Volume.
    "tests/e2e/test_volume.py::test_udp_with_the_agent_dead",
    "tests/e2e/test_volume.py::test_both_ends_count_the_same",
    "tests/e2e/test_volume.py::test_crashes_give_nothing_back",
    # Expiry and revocation, whoever is dead. Not the restart that loses no packet: an
    # emulated processor cannot keep a steady pace beside the agent's start.
    "tests/e2e/test_expiry.py::test_udp_ends_on_time[controller]",
    "tests/e2e/test_expiry.py::test_udp_ends_on_time[all]",
    "tests/e2e/test_expiry.py::test_traffic_recovers_unaided_after_the_controller",
    "tests/e2e/test_expiry.py::test_revoked_from_either_end",
    # Links by the kernel's IPsec.
    "tests/e2e/test_xfrm.py::test_traffic_by_esp_rotates_and_ends_with_the_lease",
    "tests/e2e/test_xfrm.py::test_the_kernel_ends_the_sas_of_a_dead_agent",
    # The kernel's own devices taken from under the daemons.
    "tests/e2e/test_faults.py::test_a_tunnel_is_taken_away[slu-a1]",
)
ALL = (*BACKENDS, "tests/vm/test_edt.py", *E2E, "tests/vm/test_units.py")
SMOKE = (*BACKENDS, "tests/e2e/test_gate.py::test_no_lease_no_bytes",
         "tests/e2e/test_volume.py::test_udp_with_the_agent_dead")

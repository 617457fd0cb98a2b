"""The rate under EDT and fq, at what an emulated processor can keep up with."""

from __future__ import annotations

from typing import Callable

import pytest
from lab.capture import Capture, worst_excess
from lab.lab import Lab
from lab.scenario import measure_tcp, open_link

RATE = 5_000_000


@pytest.mark.parametrize("flows", [1, 4])
def test_tcp_within_a_lease(fleet: Lab, flows: int,
                            record_property: Callable[[str, object], None]) -> None:
    """The bound holds in every window. How well TCP fills the lease is told, and held only
    to a half: an emulated processor that is busy elsewhere makes it slower."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    open_link(fleet, "a1", "b1", RATE, "1GB", lease="20s", back=True)
    burst = fleet.api.quotas()["a1>b1"]["burst_bytes"]
    with Capture(a1.dpu, "slu-a1") as shaped:
        fill = measure_tcp(a1, b1, RATE, flows, seconds=4.0)
    excess = worst_excess(shaped.select(src=a1.v4, outgoing=True), RATE)
    record_property("share of the lease", f"{fill.share(RATE):.3f}")
    record_property("most above rate × T", f"{excess:.0f} of {burst} bytes")
    assert excess <= burst
    assert 0.5 < fill.share(RATE)

"""The console shows what is so and does what it says: on the lab's real traffic."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Iterator

import pytest
from lab import rewire
from lab.api import quote, wait_until
from lab.capture import total
from lab.lab import CONTROLLER, Lab, agent_name
from lab.scenario import arrivals, capture_arrivals, lasting, open_link, wait_open
from lab.traffic import UdpSender

from page import Page

# Where the pictures of docs/ go, if they are wanted: docs/images.
PICTURES = os.environ.get("SLUICE_PICTURES")
LINK = "a1>b1"
LINK_PAGE = f"/links/{quote(LINK)}"


@pytest.fixture(name="browser", scope="module")
def _browser(session_lab: Lab) -> Iterator[Page]:
    token = session_lab.control_directory() / "state" / "admin.token"
    page = Page(session_lab.api.base, token.read_text(encoding="ascii").strip())
    try:
        page.log_in()
        yield page
    finally:
        page.close()


@pytest.fixture(name="page")
def _page(fleet: Lab, browser: Page) -> Iterator[Page]:
    browser.complaints()
    yield browser


@pytest.fixture(name="planned")
def _planned(fleet: Lab) -> Iterator[Lab]:
    """The fleet with its plan, as long as the test lasts."""
    fleet.declare()
    yield fleet
    rewire.restore(fleet)
    fleet.ctl("plan", "remove")


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.do("screenshot", path=str(Path(PICTURES).resolve() / f"{name}.png"))


def _arrived(fleet: Lab, seconds: float, pps: float = 1000) -> int:
    """IP bytes that arrive at b1 of what a1 sends meanwhile."""
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    with capture_arrivals(b1) as got, UdpSender(a1, b1.v4, pps=pps, count=int(pps * seconds)):
        time.sleep(seconds + 0.5)
    return total(arrivals(got, a1)).bytes


def test_a_quota_set_in_the_page_is_obeyed(fleet: Lab, page: Page) -> None:
    assert _arrived(fleet, 0.5) == 0, "it is closed"
    page.open("/quotas/new")
    page.do("fill", role="textbox", name="Scope", value=LINK)
    page.do("press", key="Escape")
    page.fill("Rate", "50Mbit")
    page.fill("Volume", "200kB")
    page.click("Check")
    page.wait(testid="dry-run")
    _picture(page, "quota-dry-run")
    page.click("Save")
    page.wait(role="heading", name=f"Quota of {LINK}")
    wait_open(fleet, "a1", "b1")
    arrived = _arrived(fleet, 3, pps=2000)
    assert 100_000 < arrived <= 200_000
    page.open(LINK_PAGE)
    page.wait("is used up")
    assert "exhausted" in page.text(testid="link-state").lower()
    assert page.complaints() == []


def test_the_pages_show_traffic_as_it_is(planned: Lab, page: Page) -> None:
    fleet = planned
    for src, dst in (("a1", "b1"), ("b1", "a1"), ("a2", "b2"), ("a1", "gw")):
        open_link(fleet, src, dst, "20Mbit", "1GB", lease=lasting(30))
    page.open(LINK_PAGE)
    a1, b1 = fleet.node("a1"), fleet.node("b1")
    with UdpSender(a1, b1.v4, pps=1000, count=12_000, ip_bytes=1000):
        time.sleep(8)
        _picture(page, "link")
        page.open("/")
        time.sleep(3)
        _picture(page, "map")
    sent = fleet.api.link(LINK)["sender"]["bytes"]
    page.open("/links")
    page.wait(role="cell", name=LINK)
    assert sent > 5_000_000
    assert page.complaints() == []


def test_swapped_cables_are_named(planned: Lab, page: Page) -> None:
    rewire.swap(planned, "a1:fab0", "b1:fab0")
    page.open("/wiring")
    page.wait("are swapped; exchange their plugs")
    page.open("/")
    time.sleep(2)
    _picture(page, "swapped")
    rewire.restore(planned)
    wait_until("the wires to be as planned", lambda: planned.findings() == [], 15)
    assert page.complaints() == []


def test_a_stop_in_the_page_silences_traffic_and_shows_how_fast(fleet: Lab, page: Page) -> None:
    open_link(fleet, "a1", "b1", "50Mbit", "1GB", lease=lasting(30))
    assert _arrived(fleet, 0.5) > 0
    page.open("/stops")
    page.do("fill", role="textbox", name="Scope", value="enclosure:east")
    page.do("press", key="Escape")
    page.click("Stop…")
    page.wait("will fall silent", within="dialog")
    page.do("fill", label="to confirm", value="east")
    page.do("fill", label="Reason", value="drill")
    page.click("Stop enclosure east", within="dialog")
    try:
        page.wait("ends silent after", within="dialog")
        shown = page.text(text="ends silent after")
        assert re.search(r"All \d+ ends silent after [\d.,]+\s?(ms|s)", shown), shown
        assert _arrived(fleet, 0.5) == 0
        page.do("press", key="Escape")
        page.click("Restore enclosure east…")
        page.click("Restore", within="dialog")
        page.wait("No node, enclosure or fleet is stopped.")
    finally:
        for stop in fleet.api.call("GET", "/api/v1/revocations")["stops"]:
            fleet.api.call("POST", f"/api/v1/scopes/{quote(stop['scope'])}/restore", {})
    wait_open(fleet, "a1", "b1")
    assert page.complaints() == []


def test_a_stopped_controller_greys_the_page_out(fleet: Lab, page: Page) -> None:
    open_link(fleet, "a1", "b1", "50Mbit", "1GB", lease=lasting(30))
    page.open("/links")
    page.wait(role="cell", name=LINK)
    fleet.processes.stop(CONTROLLER)
    page.wait(testid="silent-banner")
    assert re.search(r"No news from the controller for \d+ s; figures are as of",
                     page.text(testid="silent-banner"))
    before = page.text(role="table", name="")
    time.sleep(2.5)
    assert page.text(role="table", name="") == before, "nothing runs on by itself"
    fleet.start_controller()
    fleet.wait_online()
    page.do("waitGone", testid="silent-banner")
    page.wait_live()
    # The browser itself reports requests without an answer.
    assert [c for c in page.complaints() if "net::ERR_" not in c] == []


def test_a_dead_agent_is_not_shown_as_healthy(fleet: Lab, page: Page) -> None:
    open_link(fleet, "a1", "b1", "50Mbit", "1GB", lease="5s")
    page.open("/nodes/a1")
    page.wait("online")
    fleet.processes.kill(agent_name("a1"))
    try:
        page.wait("offline")
        page.open(LINK_PAGE)
        wait_until("the link to be down", lambda: fleet.api.link(LINK)["state"] != "open", 20)
        page.wait("node a1 is not connected")
    finally:
        fleet.start_agent("a1")
    fleet.wait_online()
    page.open("/nodes/a1")
    page.wait("online")
    page.open("/events?subject=node%3Aa1")
    page.wait("disconnected")
    assert page.complaints() == []

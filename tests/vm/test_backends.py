"""Under a stock kernel the nodes use what that kernel has, and say so."""

from __future__ import annotations

import json
import os

import pytest
from lab import netns
from lab.lab import Lab


def _json(namespace: str, *words: str) -> list[dict]:
    return json.loads(netns.run(namespace, *words).stdout)


def test_nodes_say_what_they_use(fleet: Lab) -> None:
    for node in json.loads(fleet.ctl("node", "list", "-o", "json")):
        print(node)
    assert 0

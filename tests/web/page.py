"""The console in a browser: Chromium, driven by web/e2e/driver.ts."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path
from typing import Any

# The driver itself gives up sooner.
_PATIENCE_S = 90.0
WEB = Path(__file__).resolve().parents[2] / "web"


class PageError(AssertionError):
    """The page did not do what was wanted in time."""


class Page:
    """What is on it is named as the driver does: role and name, label, testid or text;
    `within` is a role around it."""

    def __init__(self, origin: str, token: str) -> None:
        self._origin, self._token = origin, token
        self._driver = subprocess.Popen(
            ["node_modules/.bin/tsx", "e2e/driver.ts", origin], cwd=WEB, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        assert self._driver.stdin
        self._driver.stdin.close()
        try:
            self._driver.wait(20)
        except subprocess.TimeoutExpired:
            self._driver.kill()
            self._driver.wait()

    def do(self, what: str, **arguments: Any) -> Any:
        assert self._driver.stdin and self._driver.stdout
        self._driver.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._driver.stdin.flush()
        # A browser that hangs is no reason to hang.
        ready, _, _ = select.select([self._driver.stdout], [], [], _PATIENCE_S)
        line = self._driver.stdout.readline() if ready else ""
        if not line:
            raise PageError(f"the browser ended at {what} {arguments}")
        answer = json.loads(line)
        if "error" in answer:
            raise PageError(f"{what} {arguments}: {answer['error']}")
        return answer["value"]

    def log_in(self) -> None:
        self.do("goto", url=self._origin + "/")
        self.do("fill", label="Admin token", value=self._token)
        self.do("click", role="button", name="Log in")
        self.wait_live()

    def open(self, path: str) -> None:
        self.do("goto", url=self._origin + path)
        self.wait_live()

    def wait_live(self) -> None:
        self.do("wait", text="live")

    def fill(self, label: str, value: str) -> None:
        self.do("fill", label=label, value=value)

    def click(self, name: str, **where: str) -> None:
        self.do("click", role="button", name=name, **where)

    def wait(self, text: str = "", **what: str) -> None:
        self.do("wait", **({"text": text} if text else {}), **what)

    def text(self, **what: str) -> str:
        return str(self.do("text", **what))

    def complaints(self) -> list[str]:
        """Errors, policy violations and requests elsewhere since the last call."""
        return list(self.do("complaints"))

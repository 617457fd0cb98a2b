"""The operator's REST API, as far as the lab and its tests use it."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Callable

from .errors import LabError, NoUseWaiting


class ApiError(LabError):
    """The API answered with an error; `status` is HTTP's, `code` is Sluice's."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.status, self.code, self.message, self.field = status, code, message, field


class Api:
    def __init__(self, base: str, token_file: Path) -> None:
        self.base = base
        self._token_file = token_file

    def call(self, method: str, path: str, body: Any = None, timeout: float = 5.0) -> Any:
        """One request. Raises ApiError for an error of the API, LabError without an answer."""
        text = self.fetch(method, path, body, timeout)
        try:
            return json.loads(text) if text.strip() else None
        except ValueError as error:
            raise LabError(f"{method} {path} gave no JSON: {error}") from error

    def fetch(self, method: str, path: str, body: Any = None, timeout: float = 5.0) -> str:
        """The same, for an answer that is text."""
        request = urllib.request.Request(self.base + path, method=method)
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
        except OSError as error:
            raise LabError(f"no admin token: {error}") from error
        request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise _api_error(error) from error
        except (OSError, ValueError) as error:
            raise LabError(f"the controller's API at {self.base} gave no answer to "
                           f"{method} {path}: {error}") from error

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {n["name"]: n for n in self.call("GET", "/api/v1/nodes")["nodes"]}

    def quotas(self) -> dict[str, dict[str, Any]]:
        return {q["scope"]: q for q in self.call("GET", "/api/v1/quotas")["quotas"]}

    def set_quota(self, link: str, rate: str | int, volume: str | int,
                  per: str = "lifetime", lease: str = "5s", burst: str | int | None = None) -> None:
        body = {"rate": rate, "volume": volume, "per": per, "lease": lease}
        if burst is not None:
            body["burst"] = burst
        self.call("PUT", f"/api/v1/quotas/{quote(link)}", body)

    def delete_quota(self, link: str) -> None:
        self.call("DELETE", f"/api/v1/quotas/{quote(link)}")

    def leases(self) -> list[dict[str, Any]]:
        return self.call("GET", "/api/v1/leases")["leases"]

    def events(self, **query: Any) -> list[dict[str, Any]]:
        """The newest first; the query is that of the API."""
        return self.call("GET", f"/api/v1/events?{urllib.parse.urlencode(query)}")["events"]

    def revoke(self, link: str, reason: str = "") -> None:
        self.call("POST", f"/api/v1/leases/{quote(link)}/revoke", {"reason": reason})

    def restore(self, link: str) -> None:
        self.call("POST", f"/api/v1/leases/{quote(link)}/restore", {})

    def revoke_scope(self, scope: str, reason: str = "") -> int:
        """Revokes all links of it; returns the revocation's id."""
        done = self.call("POST", f"/api/v1/scopes/{quote(scope)}/revoke", {"reason": reason})
        return int(done["revocation"])

    def restore_scope(self, scope: str) -> None:
        self.call("POST", f"/api/v1/scopes/{quote(scope)}/restore", {})

    def stops(self) -> list[str]:
        return [stop["scope"] for stop in self.call("GET", "/api/v1/revocations")["stops"]]

    def revocation(self, revocation: int) -> dict[str, Any]:
        return next(r for r in self.call("GET", "/api/v1/revocations")["revocations"]
                    if r["id"] == revocation)

    def wait_silent(self, revocation: int, seconds: float = 10.0) -> dict[str, Any]:
        """The revocation, once the controller knows that all ends are silent."""
        def silent() -> dict[str, Any] | None:
            now = self.revocation(revocation)
            return now if now["silent"] else None

        return wait_until(f"revocation {revocation} to be silent", silent, seconds, pause=0.01)

    def links(self) -> dict[str, dict[str, Any]]:
        return {item["link"]: item for item in self.call("GET", "/api/v1/links")["links"]}

    def link(self, name: str) -> dict[str, Any]:
        answer = self.call("GET", f"/api/v1/links/{quote(name)}")
        return answer.get("link", answer) if isinstance(answer.get("link"), dict) else answer


def quote(link: str) -> str:
    return urllib.parse.quote(link, safe="")


def _api_error(error: urllib.error.HTTPError) -> ApiError:
    text = error.read().decode(errors="replace")
    try:
        said = json.loads(text)["error"]
        return ApiError(error.code, said["code"], said["message"], said.get("field") or "")
    except (ValueError, KeyError, TypeError):
        return ApiError(error.code, "unreadable", text[:200])


def patience() -> float:
    """How many times longer than usual to wait: $SLUICE_LAB_PATIENCE, for machines whose
    processor is emulated. It stretches waiting alone, never what a test holds Sluice to."""
    return float(os.environ.get("SLUICE_LAB_PATIENCE") or 1)


def wait_until(what: str, ready: Callable[[], Any], seconds: float = 10.0,
               pause: float = 0.05) -> Any:
    """Waits until `ready` returns something true, and returns it. LabErrors in between
    count as "not yet"; the last one is part of the error at the end."""
    seconds *= patience()
    end = time.monotonic() + seconds
    last = ""
    while True:
        try:
            if answer := ready():
                return answer
        except NoUseWaiting:
            raise
        except LabError as error:
            last = f" ({error})"
        if time.monotonic() > end:
            raise LabError(f"gave up after {seconds:g} s waiting for {what}{last}")
        time.sleep(pause)

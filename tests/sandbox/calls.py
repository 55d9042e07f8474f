"""Raw HTTP to a served sandbox: no client of this package is involved."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from simstudio.sandbox import SandboxServer

KEY = "sk-sim-sandbox"


class Caller:
    """One served sandbox, and a key for it."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.sandbox = server.sandbox
        self.http = httpx.Client(base_url=server.base_url, headers={"X-API-Key": server.sandbox.api_key}, timeout=10)

    def execute(self, workflow: str, body: object = None, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"/api/workflows/{workflow}/execute", json={} if body is None else body, headers=names)

    def submit(self, workflow: str, body: object = None) -> dict[str, str]:
        answer = self.execute(workflow, body, X_Execution_Mode="async")
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, job_id: str) -> dict:
        return self.http.get(f"/api/jobs/{job_id}").json()

    def finished_job(self, job_id: str) -> dict:
        for _ in range(500):
            job = self.job(job_id)
            if job["status"] not in ("pending", "processing", "queued"):
                return job
            pause()
        raise AssertionError(f"still {job['status']}")

    def frames(self, workflow: str, body: dict | None = None, **headers: str) -> list[str]:
        answer = self.execute(workflow, {"stream": True, **(body or {})}, **headers)
        assert answer.status_code == 200, answer.text
        return [part.removeprefix("data: ") for part in answer.text.split("\n\n") if part]


def pause() -> None:
    """Give the other threads a moment."""
    time.sleep(0.002)


Serve = Callable[..., Caller]

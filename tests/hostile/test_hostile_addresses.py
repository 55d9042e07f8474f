"""Servers that name other addresses: a key goes to the address that its user gave, and to no other."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx
import pytest

from simstudio import SimStudioError
from tests.hostile.servers import KEY, Call, Handler, Server, play
from tests.modes import both_modes

EVIL = "https://evil.test/api/jobs/job"
LINKS = dict.fromkeys(("statusUrl", "downloadPath", "downloadUrl", "resumeUrl", "url", "webUrl", "nextCursor"), EVIL)
HOSTS = {"sim": "sim.test", "oomol": "oomol.test", "speedpix": "speedpix.test", "vectorvein": "vectorvein.test"}


def named(**more: Any) -> Handler:
    """Answer everything with an object full of addresses."""
    body = {"success": True, "links": {"status": EVIL}, "location": EVIL, **LINKS, **more}
    answer = {"data": body, **body, "status": more.get("status", 200)}
    return lambda n: httpx.Response(200, json=answer, headers={"location": EVIL, "link": EVIL})


def moved(status: int, location: str = EVIL) -> Handler:
    return lambda n: httpx.Response(status, headers={"location": location})


JOB = named(taskId="job", jobId="job", runId="run", status="completed", output={"success": True, "output": 1})
NO_ID = named(status="completed", output={"success": True, "output": 1})
RUN = {**LINKS, "taskId": "t", "status": "succeeded", "result": {"image": EVIL}}
CALLS: dict[str, tuple[str, Call, Handler]] = {
    "a receipt": ("sim", lambda c: c.workflows.run("wf", timeout=5), JOB),
    "a receipt with nothing but links": ("sim", lambda c: c.workflows.run("wf", timeout=5), NO_ID),
    "a receipt of v2": ("sim", lambda c: c.v2.runs.submit("wf"), JOB),
    "a file of v2": ("sim", lambda c: c.v2.runs.download_file("wf", "run", "file"), JOB),
    "a file of v1": ("sim", lambda c: c.v1.files.download("file", workspace_id="ws"), JOB),
    "a pause": ("sim", lambda c: c.workflows.resume(EVIL, 1, workflow_id="wf", context_id="c"), JOB),
    "a list": ("sim", lambda c: c.v2.workflows.list("ws"), named(data=[])),
    "a task": ("oomol", lambda c: c.tasks.run({"blockId": "a::b"}), named(task={"id": "t", "status": "completed"})),
    "a run": ("speedpix", lambda c: c.run("wf", {}), named(status=10, data=RUN)),
    "a file": ("vectorvein", lambda c: c.workspaces.download_file("ws", "a.txt"), named(status=200)),
    **{
        f"a {status} to {name}": (
            service,
            lambda c, verb=verb: c.request(verb, "/x", **({"json": {}} if verb == "POST" else {})),
            moved(status, location),
        )
        for status in (301, 302, 303, 307, 308)
        for service, verb in (("sim", "GET"), ("sim", "POST"), ("oomol", "GET"), ("vectorvein", "POST"))
        for name, location in (
            (f"another host, {service} {verb}", EVIL),
            (f"no host, {service} {verb}", "//evil.test/x"),
            (f"a user, {service} {verb}", f"https://{HOSTS[service]}@evil.test/x"),
            (f"a longer host, {service} {verb}", f"https://{HOSTS[service]}.evil.test/x"),
            (f"http, {service} {verb}", f"http://{HOSTS[service]}/x"),
            (f"another port, {service} {verb}", f"https://{HOSTS[service]}:8443/x"),
        )
    },
}


def secrets_in(request: httpx.Request) -> list[str]:
    sent = [*request.headers.items(), ("url", str(request.url)), ("body", request.content.decode("latin-1"))]
    return [name for name, value in sent if KEY in value or name.startswith("x-ca-")]


@both_modes
@pytest.mark.parametrize("name", CALLS)
def test_no_address_of_an_answer_gets_the_key(mode: str, name: str, no_waiting: list[float]) -> None:
    service, call, handler = CALLS[name]
    server = Server(handler)
    with suppress(SimStudioError):
        play(mode, service, server, call)
    assert server.requests
    assert {(request.url.scheme, request.url.netloc.decode()) for request in server.requests} == {
        ("https", HOSTS[service])
    }


@both_modes
def test_an_upload_and_an_output_elsewhere_get_nothing_of_the_client(
    mode: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.png").write_bytes(b"picture")
    monkeypatch.chdir(tmp_path)
    place = {"uploadUrl": "https://evil.test/up", "accessUrl": "https://evil.test/a", "objectKey": "k", "path": "p"}

    def handler(n: int) -> httpx.Response:
        return httpx.Response(200, json={"status": 10, "data": place})

    server = Server(handler)
    play(mode, "speedpix", server, lambda client: client.files.create("in.png"))
    elsewhere = [request for request in server.requests if request.url.host == "evil.test"]
    assert len(elsewhere) == 1
    assert secrets_in(elsewhere[0]) == []
    assert secrets_in(server.requests[0]) != []

"""The program of the newest official package with our client: the same requests, the same results."""

from __future__ import annotations

import json

from simstudio.services import vectorvein
from tests.modes import both_modes
from tests.services.vectorvein.helpers import run
from tests.services.vectorvein.official_program import plain, program
from tests.services.vectorvein.official_wire import digest, has_all, new_sandbox, requests_of, without_none


@both_modes
def test_ours_sends_the_requests_of_the_newest_package_and_returns_the_same(mode: str):
    requests, results = digest()

    with new_sandbox().serve() as server:
        client = server.client() if mode == "sync" else server.async_client()
        found = run(client, lambda client: program(vectorvein, client))
        assert requests_of(server) == requests

    assert has_all(without_none(json.loads(json.dumps(plain(found)))), results)

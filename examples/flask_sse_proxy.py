"""Stream a workflow's text to browsers, which never see the API key: a Flask app, without asyncio.

Each open stream holds one thread. That the browser has gone shows when the next piece of text cannot be delivered; the
connection to Sim is closed then. `pip install flask`, then

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python flask_sse_proxy.py    (or: flask --app flask_sse_proxy run)
    python flask_sse_proxy.py --sandbox

and ask: curl -N 'http://127.0.0.1:5000/stream?topic=rivers' (PORT=… for another port).
A page that shows the events is in fastapi_sse_proxy.py.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, request

from simstudio import SimStudioClient, SimStudioError
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "article")
OUTPUTS = ["writer.content"]  # blockName.path


def create_app(client: SimStudioClient | None = None) -> Flask:
    """The app; one client serves all its threads."""
    app = Flask(__name__)
    sim = client or SimStudioClient()

    @app.get("/stream")
    def stream() -> Response:
        topic = request.args["topic"]  # here, because the generator runs when the request is no longer at hand

        def events() -> Iterator[str]:
            # Closed by the server when the browser has gone; the `with` then closes the upstream.
            try:
                with sim.workflows.stream(WORKFLOW, {"topic": topic}, selected_outputs=OUTPUTS) as upstream:
                    for text in upstream.text():
                        yield server_sent_event(text)
                    result = upstream.result()
                yield server_sent_event("", "done") if result.success else server_sent_event("It failed.", "failed")
            except SimStudioError:
                app.logger.exception("The workflow %s could not be streamed", WORKFLOW)
                yield server_sent_event("It failed.", "failed")  # what exactly is none of the browser's business

        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}  # no proxy in between may collect it
        return Response(events(), mimetype="text/event-stream", headers=headers)

    return app


def server_sent_event(data: str, name: str = "message") -> str:
    """One event; as JSON the data is one line, whatever line breaks are in it."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


sandbox = Sandbox()


@sandbox.workflow("article", block="writer")
def article(input: dict[str, Any]) -> Iterator[str]:
    yield from (f"On {input['topic']}:\n", "they ", "run ", "to ", "the ", "sea.")


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "5000"))
    if "--sandbox" in sys.argv:
        with sandbox.serve() as server, server.client() as client:
            create_app(client).run(port=port)
    else:
        create_app().run(port=port)

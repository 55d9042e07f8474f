"""Receive what Sim delivers when a run ends, verify it, and act once on each run: a Flask app.

In Sim, give a Webhook block, a data drain or a workflow notification the address of /sim and a secret. `pip install
flask`, then

    SIM_WEBHOOK_SECRET=… python flask_webhook.py    (or: flask --app flask_webhook run)
    python flask_webhook.py --demo                  (delivers to itself, and ends)

and it listens on http://127.0.0.1:5000/sim (PORT=… for another port).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from typing import Any

import httpx
from flask import Flask, request
from werkzeug.serving import make_server

from simstudio.webhooks import DataDrainDelivery, WebhookError, WorkflowExecutionCompleted, construct_event, sign


def create_app(secret: str | None = None) -> Flask:
    """The app; the secret is that of SIM_WEBHOOK_SECRET when none is given."""
    secret = secret or os.environ["SIM_WEBHOOK_SECRET"]
    app = Flask(__name__)
    handled: set[str] = set()  # of one process and for ever: in earnest, a unique column of your database
    one_at_a_time = threading.Lock()

    @app.post("/sim")
    def receive() -> tuple[dict[str, str], int]:
        body = request.get_data()  # the raw bytes: what was parsed and written anew is not what was signed
        try:
            event = construct_event(body, request.headers, secret)
        except WebhookError as error:
            app.logger.warning("Refused a delivery: %s", error)
            return {"detail": type(error).__name__}, 400
        if isinstance(event, DataDrainDelivery):
            print(f"A data drain sent {len(event.rows)} rows", flush=True)  # a row may come again, with the same id
            return {"received": "rows"}, 200
        if not isinstance(event, WorkflowExecutionCompleted):
            print(f"A Webhook block sent {event.payload}", flush=True)
            return {"received": "other"}, 200
        # Each attempt to deliver has a new event id and delivery id; the run's id is what stays.
        run = event.data.execution_id
        with one_at_a_time:
            if run in handled:
                return {"received": "again"}, 200
            handle(event)  # quickly: Sim waits 30 seconds for the answer
            handled.add(run)  # only now: what failed may come again
        return {"received": "new"}, 200

    return app


def handle(event: WorkflowExecutionCompleted) -> None:
    """What your program does when a run has ended."""
    run = event.data
    print(f"{run.workflow_name}: {run.status} in {run.total_duration_ms} ms: {run.final_output}", flush=True)


def demo() -> None:
    """Deliver to the app as Sim does, and print what it answers."""
    secret = "whsec-demo"
    app = create_app(secret)
    app.logger.setLevel(logging.ERROR)  # the refusal is printed below
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}/sim"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        completed = encoded(EVENT)
        deliver(url, completed, sign(completed, secret))
        deliver(url, completed, sign(completed, secret))
        block = encoded({"order": 7})
        deliver(url, block, sign(block, secret, family="webhook"))
        deliver(url, completed, sign(completed, "whsec-other"))
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def deliver(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Post in chunks, without a length, as Sim does."""
    response = httpx.post(url, content=iter([body]), headers=headers, timeout=30, trust_env=False)
    print(response.status_code, response.json(), flush=True)


def encoded(payload: dict[str, Any]) -> bytes:
    """The payload as Sim writes it."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


EVENT = {
    "id": "evt_1",
    "type": "workflow.execution.completed",
    "timestamp": 1795163137308,
    "data": {
        "workflowId": "greeting",
        "workflowName": "Greeting",
        "executionId": "run-1",
        "status": "success",
        "totalDurationMs": 53,
        "finalOutput": {"text": "Hello, Zoë!"},
    },
}

if __name__ == "__main__":
    if "--demo" in sys.argv:
        demo()
    else:
        create_app().run(port=int(os.environ.get("PORT", "5000")))

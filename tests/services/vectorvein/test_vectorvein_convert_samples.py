"""The converter of samples: what it keeps, what it leaves out, and that it is the one that made the cassettes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.services.vectorvein.convert_samples import CASSETTES, convert

RECORDER = "http://127.0.0.1:18103"
SAMPLE: dict[str, Any] = {
    "service": "vectorvein",
    "scenario": "one",
    "call": "client.list_agents()",
    "use": "golden",
    "exchanges": [
        {
            "request": {
                "method": "POST",
                "path": "/api/x?a=1",
                "headers": [
                    ["Host", "127.0.0.1:18103"],
                    ["User-Agent", "python-httpx/0"],
                    ["VECTORVEIN-API-KEY", "a-secret-of-somebody"],
                    ["VECTORVEIN-API-VERSION", "20240508"],
                ],
                "body": {"text": '{"a": "ü"}'},
            },
            "response": {
                "status": 200,
                "headers": [["Content-Type", "application/json"]],
                "body": {"text": f'{{"url": "{RECORDER}/x"}}'},
            },
        }
    ],
    "outcome": {"returned": f"{RECORDER}/x"},
}


def test_a_sample_becomes_a_cassette_without_hosts_and_keys(tmp_path: Path):
    source = tmp_path / "samples"
    (source / "seed-0.2.1").mkdir(parents=True)
    (source / "01_one.json").write_text(json.dumps(SAMPLE), encoding="utf-8")

    assert convert(source, tmp_path / "out") == 1

    text = (tmp_path / "out" / "newest" / "01_one.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    assert "127.0.0.1" not in text
    assert "a-secret-of-somebody" not in text
    assert data["sample"]["outcome"] == {"returned": "http://vectorvein.test/x"}
    (interaction,) = data["interactions"]
    assert interaction["request"]["uri"] == "http://vectorvein.test/api/x?a=1"
    assert interaction["request"]["body"] == '{"a": "ü"}'
    assert set(interaction["request"]["headers"]) == {"VECTORVEIN-API-KEY", "VECTORVEIN-API-VERSION"}
    assert interaction["response"]["body"]["string"] == '{"url": "http://vectorvein.test/x"}'


def test_the_same_samples_give_the_same_bytes_and_stale_cassettes_go(tmp_path: Path):
    source, target = tmp_path / "samples", tmp_path / "out"
    (source / "seed-0.2.1").mkdir(parents=True)
    for name in ("01_one", "02_two", "seed-0.2.1/03_three"):
        (source / f"{name}.json").write_text(json.dumps(SAMPLE), encoding="utf-8")
    convert(source, target)
    first = {file.name: file.read_bytes() for file in target.rglob("*.yaml")}
    (source / "02_two.json").unlink()

    convert(source, target)

    second = {file.name: file.read_bytes() for file in target.rglob("*.yaml")}
    assert set(first) - set(second) == {"02_two.yaml"}
    assert first["01_one.yaml"] == second["01_one.yaml"]


def test_no_cassette_tells_of_the_recorder_or_its_key():
    for file in CASSETTES.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        assert "127.0.0.1" not in text.replace("http://127.0.0.1:1/", "")
        for each in yaml.safe_load(text)["interactions"]:
            assert each["request"]["headers"]["VECTORVEIN-API-KEY"] == ["REDACTED"]

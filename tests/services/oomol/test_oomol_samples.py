"""The cassettes, and the converter that made them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.services.oomol.convert_samples import main
from tests.services.oomol.helpers import CASSETTES, samples

SAMPLE = {
    "service": "oomol",
    "scenario": "one_file",
    "call": "create_with_files(…)",
    "use": "golden-body",
    "exchanges": [
        {
            "request": {
                "method": "POST",
                "path": "/api/v1/tasks",
                "headers": [
                    ["Host", "127.0.0.1:18101"],
                    ["Content-Type", "application/json"],
                    ["Authorization", "Bearer tok-123"],
                ],
                "body": {
                    "text": f'--{"0" * 32}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--{"0" * 32}--\r\n'
                },
            },
            "response": {
                "status": 200,
                "headers": [["Content-Type", "application/json"]],
                "body": {"text": '{"url": "http://127.0.0.1:18101/x"}'},
            },
        },
        {
            "request": {"method": "POST", "path": "/rpc/listApplets", "headers": [], "body": {"text": "{}"}},
            "response": {"status": 200, "headers": [], "body": {"base64": "W10="}},
        },
    ],
    "outcome": {"returned": None},
}


def test_a_sample_becomes_a_cassette_of_no_machine(tmp_path: Path):
    source, target = tmp_path / "samples", tmp_path / "cassettes"
    (source / "old").mkdir(parents=True)
    (source / "INDEX.json").write_text("[]")
    (source / "old" / "01_one_file.json").write_text(json.dumps(SAMPLE))
    target.mkdir()
    (target / "stale.yaml").write_text("")
    main([str(source), "--output", str(target)])

    (file,) = target.iterdir()
    assert file.name == "old-01_one_file.yaml"
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    first, second = data["interactions"]
    assert data["sample"]["use"] == "golden-body"
    assert first["request"]["uri"] == "http://oomol.test/api/v1/tasks"
    assert first["request"]["headers"] == {
        "Content-Type": [f"multipart/form-data; boundary={'0' * 32}"],
        "Authorization": ["Bearer REDACTED"],
    }
    assert first["response"]["body"]["string"] == '{"url": "http://oomol.test/x"}'
    assert (second["request"]["uri"], second["response"]["body"]["string"]) == (
        "http://applets.test/rpc/listApplets",
        b"[]",
    )


def test_a_directory_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "missing")])


@pytest.mark.parametrize("name", samples())
def test_a_cassette_holds_no_token_and_no_address_of_a_machine(name: str):
    text = (CASSETTES / f"{name}.yaml").read_text(encoding="utf-8")

    assert "tok-123" not in text
    assert "127.0.0.1" not in text

"""``simstudio workflows pull``, ``diff``, ``push`` and ``promote``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox import Sandbox, SandboxServer

KEY = "sk-sim-test-of-the-command-line"
SPACE, OTHER = "staging", "production"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(api_key=KEY, workspaces=[SPACE, OTHER])


@pytest.fixture
def client(server: SandboxServer) -> Any:
    with server.client(api_version="v2") as client:
        yield client


@pytest.fixture
def flows(cli, client: Any, tmp_path: Path) -> Path:
    """A folder with the workflow ``greet`` of the workspace, pulled."""
    client.v2.workflows.folders.create(SPACE, path="/Sales")
    client.v2.workflows.create(SPACE, name="greet", folder_path="/Sales")
    assert (
        run(cli, "pull", tmp_path / "flows", "--workspace", SPACE)
        == "write workflows/Sales/greet.json\n1 written, 0 as they were.\n"
    )
    return tmp_path / "flows"


def run(cli: Any, command: str, *words: object, code: int = 0) -> str:
    result = cli("workflows", command, *map(str, words))
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result.stdout + result.stderr


def edit(folder: Path, **changes: Any) -> Path:
    file = folder / "workflows" / "Sales" / "greet.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return file


def test_a_change_is_shown_confirmed_pushed_and_deployed(cli, client: Any, flows: Path) -> None:
    assert run(cli, "diff", flows, "--check") == f"{SPACE}: 1 unchanged.\n"
    edit(flows, description="Says hello")

    shown = run(cli, "diff", flows)
    assert '~ description\n      (none) → "Says hello"\nstaging: 1 to update.' in shown
    assert "differ" in run(cli, "diff", flows, "--check", code=1)
    assert "Nothing was changed: nobody can be asked here. Give --yes" in run(cli, "push", flows, code=2)
    assert run(cli, "push", flows, "--dry-run") == shown
    assert run(cli, "push", flows, "--yes", "--deploy", "--wait") == f"{shown}1 deployed.\n"

    (found,) = client.v2.workflows.list(SPACE)
    assert (found.description, found.is_deployed) == ("Says hello", True)
    assert run(cli, "push", flows, "--deploy") == f"{SPACE}: 1 unchanged.\n"  # nothing to do: nobody is asked


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("colour", "line"), [("NO_COLOR", "update greet "), ("FORCE_COLOR", "\x1b[33mupdate greet ")])
def test_a_terminal_shows_changes_in_colour(
    cli, flows: Path, monkeypatch: pytest.MonkeyPatch, colour: str, line: str
) -> None:
    monkeypatch.setenv(colour, "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    edit(flows, description="Says hello")

    assert run(cli, "diff", flows).startswith(line)


def test_what_a_failed_deployment_has_left_is_deployed_by_the_next_push(cli, client: Any, flows: Path) -> None:
    (found,) = client.v2.workflows.list(SPACE)

    assert run(cli, "push", flows, "--yes", "--deploy") == "deploy greet\nstaging: 1 unchanged.\n1 deployed.\n"
    assert client.v2.workflows.get(found.id).is_deployed


@pytest.mark.parametrize(("answer", "code", "description"), [("yes\n", 0, "new"), ("\n", 1, None), ("", 130, None)])
def test_somebody_at_a_terminal_is_asked(
    cli, client: Any, flows: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, description: str | None
) -> None:
    monkeypatch.setattr("simstudio.cli.workflow_push.can_ask", lambda: True)
    edit(flows, description="new")

    result = cli("workflows", "push", str(flows), stdin=answer)

    assert (result.exit_code, "Do it? (yes or no) [no]: " in result.stderr) == (code, True)
    (found,) = client.v2.workflows.list(SPACE)
    assert found.description == description


def test_what_somebody_has_changed_on_the_server_needs_force(cli, client: Any, flows: Path) -> None:
    (found,) = client.v2.workflows.list(SPACE)
    client.v2.workflows.update(found.id, description="there")
    file = edit(flows, description="here")

    assert "greet was changed on the server since the pull" in run(cli, "push", flows, "--yes", code=1)
    assert "was changed here and on the server since the last pull" in run(cli, "pull", flows, code=1)
    assert json.loads(file.read_text())["description"] == "here"

    run(cli, "push", flows, "--yes", "--force")
    assert client.v2.workflows.get(found.id).description == "here"


def test_a_change_on_the_server_while_somebody_reads_the_plan_is_not_overwritten(
    cli, client: Any, flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = client.v2.workflows.list(SPACE)
    edit(flows, description="here")

    def confirm(_: str) -> bool:
        state = client.v2.workflows.state.get(found.id).to_dict()
        variables = {"v": {"id": "v", "name": "model", "type": "string", "value": "there"}}
        client.v2.workflows.state.replace(found.id, blocks=state["blocks"], edges=[], variables=variables)
        return True

    monkeypatch.setattr("simstudio.cli.workflow_push.can_ask", lambda: True)
    monkeypatch.setattr("simstudio.cli.workflow_push.confirm", confirm)

    assert "greet was changed on the server since the plan was made" in run(cli, "push", flows, code=1)
    assert client.v2.workflows.get(found.id).description is None


def test_a_push_from_a_folder_that_cannot_be_written_is_carried_out_with_a_note(
    cli, client: Any, flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(flows, description="here")
    (found,) = client.v2.workflows.list(SPACE)

    def refuse(_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("simstudio.workflow_files.folder.WorkflowFolder.save", refuse)
    shown = run(cli, "push", flows, "--yes")

    assert client.v2.workflows.get(found.id).description == "here"
    assert shown.count("simstudio.json cannot be written: Read-only file system. The next push will take") == 1


class TestWhatWasDoneIsSaid:
    @pytest.fixture
    def promote(self, cli, client: Any) -> Any:
        for name in ("a", "b", "c"):
            client.v2.workflows.create(SPACE, name=name)
        return lambda code: run(cli, "promote", "--from", SPACE, "--to", OTHER, "--yes", "--deploy", code=code)

    def test_by_a_push_that_fails(self, promote: Any, client: Any, sandbox: Sandbox) -> None:
        sandbox.faults.add(status=409, body={"error": {"code": "X", "message": "no"}}, path="*/deploy")
        said = "simstudio: note: Done so far: create a, create b, create c. The same command does the rest.\n"
        assert f"{said}simstudio: error: no (HTTP 409" in promote(1)
        assert promote(0).endswith("3 deployed.\n")

    def test_by_a_push_that_is_interrupted(self, promote: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

        states = type(client.v2.workflows.state)
        with monkeypatch.context() as patch:
            patch.setattr(states, "replace", interrupt)
            assert promote(130).endswith(
                "simstudio: Interrupted. Done so far: create a, create b, create c. The same command does the rest.\n"
            )
        promote(0)
        assert [each.is_deployed for each in client.v2.workflows.list(OTHER)] == [True] * 3

    def test_by_one_that_has_done_nothing(self, promote: Any, sandbox: Sandbox) -> None:
        sandbox.faults.add(status=409, body={"error": {"code": "X", "message": "no"}}, method="POST")
        assert "note: Nothing was changed.\n" in promote(1)


class TestPull:
    def test_keeps_what_was_changed_here(self, cli, flows: Path) -> None:
        file = edit(flows, description="here")

        assert "keep workflows/Sales/greet.json: was changed here since the last pull" in run(cli, "pull", flows)
        assert json.loads(file.read_text())["description"] == "here"
        assert "1 to update" in run(cli, "diff", flows)

    def test_removes_the_file_of_a_workflow_that_was_deleted_or_renamed(self, cli, client: Any, flows: Path) -> None:
        (found,) = client.v2.workflows.list(SPACE)
        client.v2.workflows.update(found.id, name="welcome", folder_path="/")

        shown = run(cli, "pull", flows)

        assert "write workflows/welcome.json\nremove workflows/Sales/greet.json\n" in shown
        assert not (flows / "workflows" / "Sales").exists()

    def test_overwrites_no_file_of_somebody_else_without_saying(self, cli, client: Any, flows: Path) -> None:
        client.v2.workflows.create(SPACE, name="notes")
        own = flows / "workflows" / "notes.json"
        own.write_text("my own")

        assert "workflows/notes.json is there, and was not pulled" in run(cli, "pull", flows, code=1)
        assert own.read_text() == "my own"
        assert "overwrite workflows/notes.json: is there, and was not pulled" in run(cli, "pull", flows, "--force")

    def test_of_one_workflow_leaves_the_others(self, cli, client: Any, flows: Path) -> None:
        client.v2.workflows.create(SPACE, name="other")
        before = (flows / "workflows" / "Sales" / "greet.json").read_text()

        assert run(cli, "pull", flows, "--only", "other").startswith("write workflows/other.json\n1 written")
        assert (flows / "workflows" / "Sales" / "greet.json").read_text() == before
        assert run(cli, "diff", flows) == f"{SPACE}: 2 unchanged.\n"

    def test_takes_the_first_characters_of_an_id(self, cli, client: Any, flows: Path) -> None:
        (found,) = client.v2.workflows.list(SPACE)
        (flows / "workflows" / "Sales" / "greet.json").unlink()

        assert "write workflows/Sales/greet.json" in run(cli, "pull", flows, "--only", found.id[:8])
        assert f"{SPACE}: 1 unchanged." in run(cli, "push", flows, "--only", found.id[:8])

    def test_wants_more_of_an_id_that_several_begin_with(self, cli, sandbox: Sandbox, client: Any, flows: Path) -> None:
        (found,) = client.v2.workflows.list(SPACE)
        both = [found.to_dict(), {**found.to_dict(), "id": found.id[:-1] + "x", "name": "other"}]
        sandbox.faults.add(status=200, body={"data": both, "nextCursor": None}, path="/api/v2/workflows")

        shown = run(cli, "pull", flows, "--only", found.id[:8], code=2)

        assert "is the beginning of 2 ids. Give more of it:" in shown
        assert f"{found.id} greet\n" in shown

    def test_of_another_workspace_wants_another_folder(self, cli, flows: Path) -> None:
        assert "has the workflows of the workspace staging" in run(
            cli, "pull", flows, "--workspace", OTHER, code=2
        )  # fmt: skip

    def test_follows_no_link_out_of_the_folder(self, cli, client: Any, flows: Path, tmp_path: Path) -> None:
        precious = tmp_path / "precious"
        precious.write_text("mine")
        client.v2.workflows.create(SPACE, name="link")
        (flows / "workflows" / "link.json").symlink_to(precious)

        run(cli, "pull", flows, "--force", code=2)
        assert precious.read_text() == "mine"

    @pytest.mark.parametrize("path", ["../x.json", "workflows/../../x.json", "/etc/x.json", "x.json"])
    def test_believes_no_manifest_that_leads_elsewhere(self, cli, flows: Path, path: str) -> None:
        manifest = json.loads((flows / "simstudio.json").read_text())
        manifest["files"][SPACE] = {path: {"id": "w", "digest": "d"}}
        (flows / "simstudio.json").write_text(json.dumps(manifest))

        assert "names a file outside workflows/" in run(cli, "pull", flows, code=2)


class TestPrune:
    def test_deletes_what_has_no_file_when_asked(self, cli, client: Any, flows: Path) -> None:
        (flows / "workflows" / "Sales" / "greet.json").unlink()

        assert run(cli, "push", flows, "--yes") == f"extra greet\n{SPACE}: 1 only on the server.\n"
        assert len(list(client.v2.workflows.list(SPACE))) == 1
        assert "delete greet" in run(cli, "push", flows, "--yes", "--prune")
        assert list(client.v2.workflows.list(SPACE)) == []
        assert run(cli, "pull", flows) == "0 written, 0 as they were.\n"


def test_a_name_that_another_workflow_keeps_is_refused_before_anybody_is_asked(cli, client: Any, flows: Path) -> None:
    client.v2.workflows.create(SPACE, name="taken", folder_path="/Sales")
    edit(flows, name="taken")

    shown = run(cli, "push", flows, code=2)

    assert "greet.json cannot be called 'taken': the workflow" in shown
    assert "or push with --prune, which deletes that one" in shown


class TestPromotion:
    def test_updates_in_place_and_duplicates_nothing(self, cli, client: Any, flows: Path) -> None:
        words = ("--from", SPACE, "--to", OTHER)
        assert "create folder /Sales\ncreate greet\n" in run(cli, "promote", *words, "--yes")
        (there,) = client.v2.workflows.list(OTHER)
        (found,) = client.v2.workflows.list(SPACE)
        client.v2.workflows.update(found.id, description="v2")

        shown = run(cli, "promote", *words, "--yes", "--deploy", "--only", "greet", "--id-only")

        assert shown.startswith(f"{there.id}\nupdate greet\n")
        (now,) = client.v2.workflows.list(OTHER)
        assert (now.id, now.description, now.folder_path, now.is_deployed) == (there.id, "v2", "/Sales", True)
        assert run(cli, "promote", *words) == f"{OTHER}: 1 unchanged.\n"

    def test_a_mapping_says_what_is_called_otherwise(self, cli, client: Any, flows: Path, tmp_path: Path) -> None:
        client.v2.workflows.create(OTHER, name="hola")
        mapping = tmp_path / "mapping.json"
        mapping.write_text('{"workflows": {"greet": "hola"}}')

        shown = run(cli, "push", flows, "--workspace", OTHER, "--mapping", mapping, "--dry-run", "--json")

        (change,) = json.loads(shown)["changes"]
        assert (change["action"], change["name"], change["folder"]) == ("unchanged", "hola", "/")

    def test_to_the_same_workspace_is_refused(self, cli, server: SandboxServer) -> None:
        assert "are the same workspace" in run(cli, "promote", "--from", SPACE, "--to", SPACE, code=2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "nope"], "--only nope: there is no such workflow"),
        (["--wait"], "--wait goes with --deploy"),
        (["--mapping", "{folder}/simstudio.json"], "is no mapping"),
    ],
)
def test_a_push_that_cannot_be_understood_changes_nothing(cli, flows: Path, words: list[str], message: str) -> None:
    assert message in run(cli, "push", flows, *(word.format(folder=flows) for word in words), code=2)


def test_a_name_cannot_pass_for_a_line_of_a_log(cli, client: Any, flows: Path) -> None:
    client.v2.workflows.create(SPACE, name="a\n::set-output name=x::y\x1b[31m")

    shown = run(cli, "diff", flows)

    assert "\n::" not in shown
    assert "\x1b" not in shown


def test_a_folder_that_cannot_be_read_is_not_taken_for_empty(cli, client: Any, flows: Path) -> None:
    (flows / "workflows").rename(flows / "elsewhere")
    (flows / "workflows").touch()

    for command in ("diff", "push"):
        assert "workflows cannot be read: Not a directory." in run(cli, command, flows, code=2)


def test_no_link_of_a_folder_leads_elsewhere(cli, client: Any, flows: Path, tmp_path: Path) -> None:
    (flows / "workflows" / "Sales").rename(tmp_path / "Sales")
    (flows / "workflows" / "Sales").symlink_to(tmp_path / "Sales")
    before = (tmp_path / "Sales" / "greet.json").read_text()
    (found,) = client.v2.workflows.list(SPACE)
    client.v2.workflows.update(found.id, description="there")

    assert "Sales is a link that leads out of" in run(cli, "pull", flows, "--force", code=2)
    assert (tmp_path / "Sales" / "greet.json").read_text() == before


def test_a_server_without_v2_says_what_it_can_do(cli, sandbox: Sandbox, server: SandboxServer, tmp_path: Path) -> None:
    sandbox.faults.add(status=404, body="<html>404</html>", path="/api/v2/*", times=None)

    shown = run(cli, "pull", tmp_path, "--workspace", SPACE, code=1)

    assert "need v2 of the API, which this server does not have" in shown
    assert "--api-version" not in shown


def test_an_empty_folder_says_what_fills_it(cli, server: SandboxServer, tmp_path: Path) -> None:
    assert "has no workflows: simstudio workflows pull" in run(cli, "push", tmp_path, "--workspace", SPACE, code=2)

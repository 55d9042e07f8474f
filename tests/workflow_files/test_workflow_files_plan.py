"""What is created, updated and deleted, what is in the way, and how differences read."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio import InvalidInputError
from simstudio.workflow_files.document import Document, digest
from simstudio.workflow_files.plan import Change, Mapped, Plan, Present, Source, Workspace, make_plan


def document(name: str = "greet", folder: str = "/", *, prompt: str = "Hi", **settings: str) -> Document:
    kinds = {"credential": "oauth-input", "child": "workflow-selector", "tables": "table-selector"}
    texts = {"prompt": prompt, **settings}
    block = {
        "id": f"{name}-agent",
        "name": "Agent",
        "type": "agent",
        "subBlocks": {key: {"type": kinds.get(key, "long-input"), "value": text} for key, text in texts.items()},
    }
    return {"name": name, "description": None, "folder": folder, "blocks": [block], "edges": [], "variables": []}


def workspace(*workflows: Present, folders: tuple[str, ...] = ()) -> Workspace:
    return Workspace("ws", workflows, folders)


def plan(sources: list[Source], there: Workspace, **options: Any) -> Plan:
    return make_plan(sources, there, **{"same": True, **options})


def actions(found: Plan) -> list[tuple[str, str, str]]:
    return [(each.action, each.name, each.conflict) for each in found.changes]


def only(found: Plan) -> Change:
    (change,) = found.changes
    return change


def pulled(wanted: Document, had: Document, workflow_id: str = "w1") -> Source:
    return Source(wanted, f"workflows/{wanted['name']}.json", workflow_id, workflow_id, digest(had))


NEW, OLD = document(prompt="Hello"), document()


class TestInTheSameWorkspace:
    def test_what_was_changed_here_is_updated(self) -> None:
        assert actions(plan([pulled(NEW, OLD)], workspace(Present("w1", OLD)))) == [("update", "greet", "")]

    def test_what_is_alike_is_unchanged_whatever_was_pulled(self) -> None:
        assert actions(plan([pulled(NEW, OLD)], workspace(Present("w1", NEW)))) == [("unchanged", "greet", "")]

    def test_what_was_renamed_is_found_by_its_id(self) -> None:
        renamed = {**OLD, "name": "welcome", "folder": "/Sales"}

        found = plan([pulled(renamed, OLD)], workspace(Present("w1", OLD)))

        assert actions(found) == [("update", "welcome", "")]
        assert [each.subject for each in only(found).differences] == ["name", "folder"]
        assert found.folders == ("/Sales",)

    @pytest.mark.parametrize(
        ("source", "there", "conflict"),
        [
            (pulled(NEW, OLD), [Present("w1", document(prompt="Bye"))], "changed on the server since the pull"),
            (pulled(OLD, OLD), [Present("w1", document(prompt="Bye"))], "changed on the server since the pull"),
            (pulled(NEW, OLD), [], "deleted on the server since the pull"),
            (Source(NEW, "f"), [Present("w1", OLD)], "on the server already, and not pulled from there"),
        ],
    )
    def test_what_somebody_has_done_there_is_a_conflict(
        self, source: Source, there: list[Present], conflict: str
    ) -> None:
        assert only(plan([source], workspace(*there))).conflict == conflict

    def test_what_is_only_there_is_deleted_if_wanted_unless_it_was_changed(self) -> None:
        there = workspace(Present("w1", OLD), Present("w2", document("other")), folders=("/A", "/A/B"))

        assert actions(plan([], there)) == [("extra", "greet", ""), ("extra", "other", "")]
        assert plan([], there).is_empty
        pruned = plan([], there, prune=True, known={"w1": digest(OLD), "w2": "?"}, folders=("/A",))
        assert actions(pruned) == [
            ("delete", "greet", ""),
            ("delete", "other", "changed on the server since the pull"),
        ]
        assert pruned.extra_folders == ("/A/B",)

    def test_what_is_only_there_is_left_out_of_a_part(self) -> None:
        assert plan([], workspace(Present("w1", OLD), folders=("/A",)), partial=True, prune=True).is_empty


class TestInAnotherWorkspace:
    def source(self, wanted: Document, origin: str = "w1") -> Source:
        return Source(wanted, origin=origin)

    @pytest.mark.parametrize(
        ("there", "mapped", "action"),
        [
            (document(), Mapped(), "update"),
            (document(folder="/Elsewhere"), Mapped(), "update"),
            (document("hola"), Mapped(workflows={"greet": "hola"}), "update"),
            (document("hola"), Mapped(workflows={"w1": "p1"}), "update"),
            (document("hola"), Mapped(), "create"),
        ],
    )
    def test_a_workflow_is_found_by_mapping_folder_or_name(self, there: Document, mapped: Mapped, action: str) -> None:
        found = plan([self.source(NEW)], workspace(Present("p1", there)), same=False, mapped=mapped)

        assert found.changes[0].action == action
        assert "name" not in [each.subject for each in found.changes[0].differences]

    def test_workflows_of_one_name_are_told_apart_by_their_folders(self) -> None:
        there = workspace(Present("p1", document(folder="/A")), Present("p2", document(folder="/B")))
        sources = [self.source(document(folder="/B"), "w2"), self.source(document(folder="/A", prompt="x"), "w1")]

        found = plan(sources, there, same=False)

        assert [(each.action, each.present and each.present.id) for each in found.changes] == [
            ("update", "p1"),
            ("unchanged", "p2"),
        ]

    def test_a_name_that_is_not_unique_is_no_match(self) -> None:
        there = workspace(Present("p1", document(folder="/A")), Present("p2", document(folder="/B")))

        with pytest.raises(InvalidInputError, match="any of 2 workflows called 'greet'"):
            plan([self.source(NEW)], there, same=False)

    def test_ids_of_the_workspace_are_mapped_stay_or_are_empty(self) -> None:
        wanted = document(credential="cred-a", child="w9", tables="t1, t2")
        there = Present("p1", document(credential="cred-b", child="", tables="t8"))
        mapped = Mapped(references={"t1": "t8", "t2": "t9"})

        change = only(plan([self.source(wanted)], workspace(there), same=False, mapped=mapped))
        created = only(plan([self.source(wanted)], workspace(), same=False, mapped=mapped))

        assert [each.lines for each in change.differences] == [('tables: "t8" → "t8,t9"',)]
        assert created.notes == (
            "Agent › credential (cred-a): not mapped, so it stays empty",
            "Agent › child (w9): not mapped, so it stays empty",
        )

    def test_a_workflow_that_goes_along_maps_itself(self) -> None:
        parent, child = self.source(document("parent", child="w9")), self.source(document("child"), "w9")
        there = workspace(Present("p1", document("parent", child="p9")), Present("p9", document("child")))

        found = plan([parent, child], there, same=False)
        fresh = plan([parent, child], workspace(), same=False)

        assert {each.action for each in found.changes} == {"unchanged"}
        made, notes = fresh.make_document(parent, "p1", None, {"w9": "p9"})
        assert (made["blocks"][0]["subBlocks"]["child"]["value"], notes) == ("p9", ())


def test_two_files_of_one_workflow_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"a\.json and b\.json are the same workflow"):
        plan([Source(OLD, "a.json"), Source(NEW, "b.json")], workspace())


def test_a_secret_in_a_file_is_refused_without_being_shown() -> None:
    with pytest.raises(InvalidInputError, match=r"Agent › apiKey.*\{\{NAME\}\}") as raised:
        plan([Source(document(apiKey="hunter2"), "a.json")], workspace())

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("content", [[], {"workflow": {}}, {"workflows": []}, {"references": {"a": 1}}])
def test_what_is_no_mapping_is_refused(content: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"m\.json is no mapping"):
        Mapped.parse(content, "m.json")


def test_differences_name_blocks_settings_and_lines() -> None:
    old, new = document(prompt="Hi\nAda\nBye"), document(prompt="Hi\nBob\nBye")
    start = {"id": "s", "name": "Start", "type": "start_trigger", "subBlocks": {}}
    edge = {"source": "s", "target": "greet-agent", "sourceHandle": "if"}
    new = {**new, "description": "d", "blocks": [*new["blocks"], start], "edges": [edge],
           "variables": [{"name": "model", "value": 1}]}  # fmt: skip

    found = only(plan([pulled(new, old)], workspace(Present("w1", old)))).differences

    assert [(each.kind, each.subject, *each.lines) for each in found] == [
        ("changed", "description", '(none) → "d"'),
        ("changed", "block Agent", "prompt:", "   Hi", "  -Ada", "  +Bob", "   Bye"),
        ("added", "block Start", "type: start_trigger"),
        ("added", "edge Start (if) → Agent"),
        ("added", "variable model", "1"),
    ]


def test_of_two_long_texts_the_part_that_differs_is_shown() -> None:
    old, new = document(prompt="x" * 5000 + "Ada"), document(prompt="x" * 5000 + "Bob")

    (difference,) = only(plan([pulled(new, old)], workspace(Present("w1", old)))).differences

    assert difference.lines == (f'prompt: …{"x" * 20}Ada" → …{"x" * 20}Bob"',)

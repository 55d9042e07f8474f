"""Choices for settings of blocks, such as the channels of a Slack account."""

from __future__ import annotations

from typing import Literal, TypeAlias

from simstudio.core.model import Model, model

SelectorKey: TypeAlias = Literal[
    "airtable.bases", "airtable.tables", "asana.workspaces", "attio.lists", "attio.objects", "bigquery.datasets",
    "bigquery.tables", "bitbucket.workspaces", "bitbucket.repositories", "calcom.eventTypes", "calcom.schedules",
    "clickup.workspaces", "clickup.spaces", "clickup.folders", "clickup.lists", "coda.docs", "coda.pages",
    "coda.tables", "coda.columns", "coda.rows", "coda.formulas", "coda.controls", "coda.folders", "coda.permissions",
    "confluence.spaces", "confluence.spacesById", "confluence.pages", "google.tasks.lists", "gmail.labels",
    "google.calendar", "google.drive", "google.sheets", "harmonic.savedSearches", "hubspot.lists", "hubspot.owners",
    "hubspot.pipelines", "hubspot.pipelineStages", "hubspot.properties", "jsm.requestTypes", "jsm.serviceDesks",
    "microsoft.planner.plans", "notion.databases", "notion.pages", "netsuite.recordTypes", "netsuite.asyncTasks",
    "pipedrive.pipelines", "sharepoint.lists", "trello.boards", "zoho_desk.organizations", "zoho_desk.departments",
    "zoho_desk.agents", "zoom.meetings", "slack.channels", "snowflake.databases", "snowflake.schemas",
    "snowflake.tables", "snowflake.warehouses", "snowflake.roles", "snowflake.fileFormats", "snowflake.procedures",
    "slack.users", "outlook.folders", "outlook.calendars", "microsoft.teams", "microsoft.chats", "microsoft.channels",
    "microsoft.planner", "onedrive.files", "onedrive.folders", "sharepoint.sites", "microsoft.excel",
    "microsoft.excel.drives", "microsoft.excel.sheets", "microsoft.word", "wealthbox.contacts", "jira.issues",
    "jira.projects", "jira.projectKeys", "linear.projects", "linear.teams", "monday.boards", "monday.groups",
    "webflow.sites", "webflow.collections", "webflow.items", "cloudwatch.logGroups", "cloudwatch.logStreams",
    "imap.mailboxes", "mcp.tools", "managedAgent.agents", "managedAgent.environments", "managedAgent.vaults",
    "managedAgent.memoryStores", "knowledge.documents", "sim.workflows", "table.columns", "table.outputColumns",
    "workspace.secretNames", "workspace.sandboxes", "providers.ollamaEmbeddingModels",
    "providers.openrouterEmbeddingModels",
]  # fmt: skip
"""The lists of choices: the channels of a Slack account, the tables of an Airtable base …"""


@model
class SelectorOption(Model):
    """A choice for a setting of a block.

    Attributes:
        id: Value of the setting.
        label: Text for people.
        meta: Further facts about the choice.
    """

    id: str
    label: str
    meta: dict[str, bool | str | float | None] | None = None

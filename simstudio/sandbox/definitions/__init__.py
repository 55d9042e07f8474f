"""Workflows of a sandbox: graphs, versions, folders and exported files, without HTTP."""

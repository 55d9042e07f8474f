"""Sim's namespaces: each resource turns a call into a flow of requests and does no I/O itself."""

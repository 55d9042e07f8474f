"""Stores of tables, files, knowledge bases, uploads, secrets and the audit log, without HTTP."""

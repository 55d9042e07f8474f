"""What the v1 data routes keep: tables, files, knowledge bases and the audit log. Nothing here knows HTTP."""

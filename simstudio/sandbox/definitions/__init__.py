"""What the sandbox knows of its workflows: their graphs, versions, folders and files; no HTTP."""

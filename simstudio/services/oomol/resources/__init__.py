"""The namespaces of Oomol Connect's clients."""

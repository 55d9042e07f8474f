"""The namespaces of VectorVein's clients."""

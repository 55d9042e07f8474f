"""The namespaces of a client. A resource turns calls into flows; it never touches a socket itself."""

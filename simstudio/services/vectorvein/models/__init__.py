"""Models of VectorVein's responses and arguments."""

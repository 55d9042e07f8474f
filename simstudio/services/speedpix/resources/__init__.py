"""The namespaces of SpeedPix's clients."""

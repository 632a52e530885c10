"""The model REST server: HTTP edge, transport-free core, model; the inference log; the Python client."""

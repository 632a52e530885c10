"""The model REST server: HTTP layer, transport-free core, model; the inference log; the Python client."""

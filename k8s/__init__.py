"""What runs on Kubernetes, as plain YAML: `kubectl apply -k k8s/` takes it, and `tenfold.platform.kubernetes` does."""

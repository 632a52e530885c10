"""The training script: a window of labelled days, fit, evaluate, gate, registry."""

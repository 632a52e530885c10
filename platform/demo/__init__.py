"""The proof on real data: a year of New York flights replayed against a service that retrains every midnight."""

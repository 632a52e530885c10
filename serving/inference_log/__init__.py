"""The inference log: what was predicted and what turned out to be true, in SQL."""

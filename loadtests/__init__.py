"""Load tests: Locust users, limits that fail a run, and the runner behind `tenfold loadtest`."""

"""Running it all: the steps of a run, with and without Prefect, and the command line."""

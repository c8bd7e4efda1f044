"""Orchestration only: Prefect flows, settings, the command line."""

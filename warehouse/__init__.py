"""Bytes at rest: landing area, raw store, lake tables, published DuckDB file."""

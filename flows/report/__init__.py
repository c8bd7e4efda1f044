"""The report: one HTML page on how the sources are doing, which needs nothing but a browser."""

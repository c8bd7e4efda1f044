"""What must be true of the data; the only place that knows Great Expectations."""

"""Rules about records and batches, and how Great Expectations is asked about them."""

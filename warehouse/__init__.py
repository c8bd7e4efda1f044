"""Storage: where drops lie, how they are kept, the tables, and the file that is published."""

"""Small hand-kept reference tables, and sample drops written for the project."""

"""Reference tables that people edit, and sample drops."""

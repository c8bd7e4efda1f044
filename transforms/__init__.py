"""Pure: bytes or frames in, frames out; schemas, parsers, text and duplicate algorithms."""

"""Parsers, cleaning, matching: functions of bytes and frames, without side effects."""

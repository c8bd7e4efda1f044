"""Digests put into words: one line, plain text, HTML for mail, and the blocks of a Slack message.

The texts of a digest hold no control characters (see `digests`); what HTML and Slack would act on is escaped here.
"""

from html import escape
from typing import Any

from flows.alerts.digests import TEST, Digest, incidents_command

NAMED_IN_A_LINE = 3
NAMED_IN_A_MAIL = 100
NAMED_IN_SLACK = 20
"""Incidents that are named; a message of Slack may have 50 blocks, and few people read so many."""

MOST_SLACK_CHARS = 2_900
"""A block of Slack may have 3,000 characters."""


def headline(digest: Digest) -> str:
    """Return what happened in a few words, fit to be a subject."""
    if digest["kind"] == TEST:
        return f"copydesk: test of the route {digest['route']}"
    counts = ", ".join(f"{count:,} {event}" for event, count in digest["counts"].items() if count)
    first = digest["incidents"][0]
    return f"copydesk: {counts} ({_name(first)}{', ...' if _total(digest) > 1 else ''})"


def one_line(digest: Digest) -> str:
    """Return a digest in a line."""
    if digest["kind"] == TEST:
        return f"{headline(digest)}. Nothing is wrong."
    named = "; ".join(
        f"{_name(entry)} {entry['event']} ({entry['severity']}): {entry['message'].rstrip('.')}"
        for entry in digest["incidents"][:NAMED_IN_A_LINE]
    )
    more = _more(digest, NAMED_IN_A_LINE)
    return f"Incidents: {named}{f'; {more}' if more else ''}. See {incidents_command(digest)}"


def plain(digest: Digest) -> str:
    """Return a digest as text of several lines."""
    lines = [_introduction(digest), ""]
    for entry in digest["incidents"][:NAMED_IN_A_MAIL]:
        lines += [f"{_title(entry)}", f"  {entry['message']}", f"  {_figures(entry)}", f"  {entry['command']}", ""]
    more = _more(digest, NAMED_IN_A_MAIL)
    return "\n".join([*lines, *([f"{more}: {incidents_command(digest)}", ""] if more else [])])


def html(digest: Digest) -> str:
    """Return a digest as a small page, without anything that would be fetched or run."""
    items = "".join(
        f"<li><p><b>{escape(_title(entry))}</b><br>{escape(entry['message'])}<br>{escape(_figures(entry))}<br>"
        f"<code>{escape(entry['command'])}</code></p></li>"
        for entry in digest["incidents"][:NAMED_IN_A_MAIL]
    )
    more = _more(digest, NAMED_IN_A_MAIL)
    rest = f"<p>{escape(more)}: <code>{escape(incidents_command(digest))}</code></p>" if more else ""
    body = f"<p>{escape(_introduction(digest))}</p><ul>{items}</ul>{rest}"
    return f'<!doctype html><html><head><meta charset="utf-8"></head><body>{body}</body></html>'


def slack(digest: Digest) -> dict[str, Any]:
    """Return a digest as the message of an incoming webhook of Slack."""
    blocks = [_block(f"*{slack_text(headline(digest))}*\n{slack_text(_introduction(digest))}")]
    for entry in digest["incidents"][:NAMED_IN_SLACK]:
        facts = (f"*{slack_text(_title(entry))}*", slack_text(entry["message"]), slack_text(_figures(entry)))
        blocks.append(_block("\n".join([*facts, f"`{_slack_code(entry['command'])}`"])))
    more = _more(digest, NAMED_IN_SLACK)
    if more:
        blocks.append(_block(f"{more}: `{_slack_code(incidents_command(digest))}`"))
    return {"text": slack_text(headline(digest))[:MOST_SLACK_CHARS], "blocks": blocks}


def slack_text(text: str) -> str:
    """Escape the three characters that Slack acts on, and take their meaning from the marks of its formatting."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"{char}\u200b" if char in "*_~`" else char for char in escaped)


def _slack_code(text: str) -> str:
    """Escape what stands between backticks, where marks mean nothing, so that it can be copied as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def _block(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MOST_SLACK_CHARS]}}


def _introduction(digest: Digest) -> str:
    if digest["kind"] == TEST:
        return f"This is a test of the route {digest['route']} of {digest['home']}. Nothing is wrong."
    return f"Run {digest['run_id']} of {digest['home']}, {digest['noted_at'][:19]} UTC."


def _name(entry: dict[str, Any]) -> str:
    return f"{entry['source']} {entry['rule']}"


def _title(entry: dict[str, Any]) -> str:
    return f"{entry['event']}: {_name(entry)} ({entry['severity']})"


def _figures(entry: dict[str, Any]) -> str:
    sample = f", look at {entry['sample']}" if entry["sample"] else ""
    runs = f"{entry['occurrences']:,} runs" if entry["occurrences"] != 1 else "1 run"
    return f"failed in {runs} since {entry['first_seen_at'][:19]} UTC{sample}"


def _total(digest: Digest) -> int:
    return len(digest["incidents"]) + int(digest["left_out"])


def _more(digest: Digest, named: int) -> str:
    left = _total(digest) - min(named, len(digest["incidents"]))
    return f"{left:,} more" if left else ""

"""Telling what is news: whoever commits incidents calls `tell_of_news` after the writer's lock is released.

Digests are made from the history of incidents in the lake, from the commit on up to which the cursor says that they
were made: what a killed run committed is told by the next one. A digest is sent at least once. What happened in a lake
that took the place of another one was told of in that. Nothing here fails a run: what goes wrong is said in a line, and
tried again.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import polars as pl

from expectations.news import Event, News, news_by_commit
from flows.alerts.delivery import Tally, deliver
from flows.alerts.digests import make_digest, safe_text
from flows.alerts.outbox import MOST_AGE, Cursor, Message, Outbox, new_message
from flows.display import tell
from flows.settings import Settings
from transforms.ops_schema import INCIDENTS
from warehouse.catalog_file import lake_state
from warehouse.home import Home
from warehouse.lake import read_lake
from warehouse.stored_tables import stored_name

_HISTORY = f"""
    WITH fresh AS (SELECT * FROM {stored_name(INCIDENTS)} WHERE commit_no > $since)
    SELECT * FROM fresh
    UNION ALL BY NAME
    SELECT * FROM {stored_name(INCIDENTS)} WHERE commit_no <= $since AND incident_id IN (SELECT incident_id FROM fresh)
    QUALIFY row_number() OVER (PARTITION BY incident_id ORDER BY commit_no DESC) = 1
"""

Say = Callable[[str], None]


def tell_of_news(settings: Settings, *, say: Say = tell) -> None:
    """Make digests of what is new since the last time, and send all that is due; never raises, nor takes long.

    Where nothing was committed since and nothing is due, this reads two small files.
    """
    try:
        make_messages(settings, now=datetime.now(UTC))
        send_due(settings, now=datetime.now(UTC), say=say)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the run itself went well
        what = safe_text(f"{type(error).__name__}: {error}")
        say(f"Alerts could not be made ({what.rstrip('.')}); a later run tries again. See copydesk doctor.")


def has_something_to_tell(settings: Settings) -> bool:
    """Whether there was a commit since digests were last made, or a message is due."""
    outbox = Outbox(settings.home.outbox)
    now = datetime.now(UTC)
    return _is_behind(settings.home, outbox.read_cursor()) or any(one.is_due(now) for one in outbox.pending())


def _is_behind(home: Home, cursor: Cursor) -> bool:
    state = lake_state(home)
    return state is not None and not (cursor.is_of(state) and cursor.commit_no == state.snapshot)


def make_messages(settings: Settings, *, now: datetime) -> None:
    """Put digests of all commits since the last time into the outbox, and move the cursor on."""
    outbox = Outbox(settings.home.outbox)
    if not _is_behind(settings.home, outbox.read_cursor()):
        return
    with outbox.locked("making", waits=True):
        state, cursor = lake_state(settings.home), outbox.read_cursor()
        if state is None:
            return
        if not cursor.is_of(state):
            outbox.write_cursor(Cursor(state.snapshot, cursor.told, state.catalog_id))
            return
        if state.snapshot < cursor.commit_no:  # it is an older state
            cursor = Cursor()
        with read_lake(settings.home) as lake:
            history = lake.query(_HISTORY, {"since": cursor.commit_no})
        messages, told = _messages(history, cursor, settings=settings, now=now)
        for message in messages:
            outbox.add(message)
        outbox.write_cursor(Cursor(max([state.snapshot, *history["commit_no"]]), told, state.catalog_id))


def pass_over_news(settings: Settings) -> None:
    """Move the cursor to the newest commit, of a lake that was made anew, without telling of any."""
    outbox, state = Outbox(settings.home.outbox), lake_state(settings.home)
    with outbox.locked("making", waits=True):
        if state is not None:
            outbox.write_cursor(Cursor(state.snapshot, outbox.read_cursor().told, state.catalog_id))


def _messages(
    history: pl.DataFrame, cursor: Cursor, *, settings: Settings, now: datetime
) -> tuple[list[Message], Mapping[str, Sequence[str]]]:
    """Return a message for each commit and route that has news, and who is told of which incident after them."""
    told = {incident_id: set(routes) for incident_id, routes in cursor.told.items()}
    messages = []
    for commit_no, found in news_by_commit(history, since=cursor.commit_no):
        by_route: dict[str, list[News]] = defaultdict(list)
        for news in found:
            for route in _recipients(news, settings, told=told.get(news.incident["incident_id"], set())):
                by_route[route].append(news)
            _note(told, news, {route for route, of_route in by_route.items() if news in of_route})
        if found[0].incident["noted_at"] >= now - MOST_AGE:
            messages += [
                new_message(
                    make_digest(of_route, commit_no=commit_no, route=route, home=settings.home),
                    commit_no=commit_no,
                    now=now,
                )
                for route, of_route in sorted(by_route.items())
            ]
    return messages, {incident_id: sorted(routes) for incident_id, routes in sorted(told.items())}


def _recipients(news: News, settings: Settings, *, told: set[str]) -> list[str]:
    """Return the routes that hear of it; of an end, those that heard of the beginning."""
    if news.event is Event.RESOLVED:
        return sorted(told & set(settings.routes))
    source, severity = news.incident["source"], news.incident["severity"]
    own = settings.source(source).alerts
    return [
        name
        for name, route in settings.routes.items()
        if route.covers(source) and route.is_told_of(severity) and (not own or name in own)
    ]


def _note(told: dict[str, set[str]], news: News, routes: set[str]) -> None:
    incident_id = news.incident["incident_id"]
    if news.event is Event.RESOLVED:
        told.pop(incident_id, None)
    elif routes:
        told.setdefault(incident_id, set()).update(routes)


def send_due(settings: Settings, *, now: datetime, say: Say, is_asked: bool = False) -> Tally:
    """Send what is due, or all that waits where somebody asks for it; where another process sends, leave it to that.

    Where one message of a route is due, all of that route are, lest the end of an incident arrive before its beginning.
    """
    outbox = Outbox(settings.home.outbox)
    if not any(is_asked or message.is_due(now) for message in outbox.pending()):
        return Tally()
    with outbox.locked("sending", waits=False) as is_ours:
        if not is_ours:
            return Tally()
        pending = outbox.pending()
        routes = {message.route for message in pending if is_asked or message.is_due(now)}
        due = [message for message in pending if message.route in routes]
        return deliver(outbox, due, settings=settings, now=now, say=say)

"""Sending messages: a thread for each route, all bounded in time, and what becomes of each message.

Time-outs of sockets bound each step of a delivery, not its whole: a server may answer byte by byte, a name may take
minutes to be resolved. So the whole is waited for no longer than `SECONDS_IN_ALL`; a thread that is still at it then is
left behind, and ends with the process. A route that fails once is not tried further in the same sitting.
"""

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flows.alerts.digests import Digest, safe_text
from flows.alerts.outbox import Message, Outbox
from flows.alerts.senders import build_sender
from flows.alerts.sending import DeliveryError
from flows.settings import Settings

SECONDS_IN_ALL = 10.0
"""How long a run may be held up by alerts; each step of a delivery has half of it."""

GONE = "the route is declared no longer"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Tally:
    """How many messages were sent, failed and will be tried again, and were given up."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(frozen=True)
class _Outcome:
    """What came of a message; no error means that it has arrived."""

    message: Message
    error: str | None = None


@dataclass(frozen=True)
class _Answer:
    """What came back, or what went wrong."""

    said: str = ""
    error: str | None = None


@dataclass(frozen=True)
class _Sitting:
    """What a thread has to know; each step of a delivery takes at most `seconds`."""

    route: str
    settings: Settings
    say: Say
    seconds: float


def deliver(
    outbox: Outbox,
    messages: Sequence[Message],
    *,
    settings: Settings,
    now: datetime,
    say: Say,
    seconds: float = SECONDS_IN_ALL,
) -> Tally:
    """Send messages, and note in the outbox what came of each; `say` gets a line for each route that failed."""
    tally = Tally()
    for outcome in _attempt(messages, settings=settings, say=say, seconds=seconds):
        tally = _settle(outbox, outcome, tally, now=now, say=say)
    return tally


def _settle(outbox: Outbox, outcome: _Outcome, tally: Tally, *, now: datetime, say: Say) -> Tally:
    """Forget what has arrived, and put off or give up what has not."""
    if outcome.error is None:
        outbox.remove(outcome.message)
        return replace(tally, sent=tally.sent + 1)
    message = outcome.message.after_failure(outcome.error, now=now)
    what = f"Alert to {message.route} was not sent ({outcome.error.rstrip('.')})"
    if outcome.error == GONE or message.is_hopeless(now):
        outbox.give_up(message)
        say(f"{what}; given up after attempt {message.attempts}. See copydesk alerts list.")
        return replace(tally, given_up=tally.given_up + 1)
    outbox.save(message)
    say(f"{what}; a later run tries again, or copydesk alerts flush.")
    return replace(tally, failed=tally.failed + 1)


def _attempt(messages: Sequence[Message], *, settings: Settings, say: Say, seconds: float) -> Iterator[_Outcome]:
    """Yield what came of messages, as it becomes known; those behind a failed one of their route are left alone."""
    by_route: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        if message.route in settings.routes:
            by_route[message.route].append(message)
        else:
            yield _Outcome(message, GONE)
    outcomes: queue.SimpleQueue[_Outcome | str] = queue.SimpleQueue()
    for route, of_route in by_route.items():
        work = (of_route, _Sitting(route, settings, say, seconds / 2), outcomes)
        threading.Thread(target=_send_all, args=work, daemon=True, name=f"alerts to {route}").start()
    yield from _gather(by_route, outcomes, deadline=time.monotonic() + seconds, seconds=seconds)


def _gather(
    by_route: Mapping[str, Sequence[Message]],
    outcomes: "queue.SimpleQueue[_Outcome | str]",
    *,
    deadline: float,
    seconds: float,
) -> Iterator[_Outcome]:
    """Yield outcomes until every route is done or the time is over; then the message under way has failed."""
    left = {route: list(messages) for route, messages in by_route.items()}
    while left:
        try:
            outcome = outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            yield from (
                _Outcome(of_route[0], f"no answer within {seconds:g} s") for of_route in left.values() if of_route
            )
            return
        if isinstance(outcome, str):
            del left[outcome]
        else:
            left[outcome.message.route].remove(outcome.message)
            yield outcome


def _send_all(messages: Sequence[Message], sitting: "_Sitting", outcomes: "queue.SimpleQueue[_Outcome | str]") -> None:
    """Send the messages of a route one after the other, until one fails; then say that the route is done."""
    for message in messages:
        outcome = _Outcome(message, _try_to_send(message.digest, sitting).error)
        outcomes.put(outcome)
        if outcome.error is not None:
            break
    outcomes.put(sitting.route)


def send_now(route: str, digest: Digest, *, settings: Settings, say: Say, seconds: float = SECONDS_IN_ALL) -> str:
    """Send a digest that is not in the outbox; return what came back.

    Raises:
        DeliveryError: if it did not arrive.
    """
    sitting, answers = _Sitting(route, settings, say, seconds / 2), queue.SimpleQueue[_Answer]()
    threading.Thread(target=lambda: answers.put(_try_to_send(digest, sitting)), daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise DeliveryError(f"no answer within {seconds:g} s") from None
    if answer.error is not None:
        raise DeliveryError(answer.error)
    return answer.said


def _try_to_send(digest: Digest, sitting: "_Sitting") -> "_Answer":
    """Send a digest; what went wrong is said in words that hold no secret."""
    try:
        sender = build_sender(
            sitting.settings.routes[sitting.route],
            home=sitting.settings.home,
            say=sitting.say,
            seconds=sitting.seconds,
        )
        return _Answer(said=sender.send(digest))
    except DeliveryError as error:
        return _Answer(error=safe_text(str(error)))
    except Exception as error:  # noqa: BLE001 -- its words may hold a secret, its type does not
        return _Answer(error=type(error).__name__)

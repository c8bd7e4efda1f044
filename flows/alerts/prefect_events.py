"""Digests as events of Prefect: one for each incident, and one, `copydesk.digest`, for all of a digest.

Automations that notify act on the latter, so that one digest is one notification. Ids of events are made from those of
digest and incident: what is sent twice is one event.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from flows.alerts.digests import Digest
from flows.alerts.sending import DeliveryError, Sender
from flows.alerts.texts import headline, plain
from flows.prefect_api import PrefectApiError, ask_api

DIGEST_EVENT = "copydesk.digest"
HOME_RESOURCE = "copydesk.home"
INCIDENT_RESOURCE = "copydesk.incident"

_NAMESPACE = uuid.UUID("6d2b8c52-7b5e-4f4e-9f5a-0c0d7de5c0de")

MOST_EVENTS = 100
"""Events of single incidents in a digest at most; the digest itself counts all."""


def prefect_sender(*, seconds: float) -> Sender:
    """Return what sends digests as events to the configured API."""

    def send(digest: Digest) -> str:
        events = events_of(digest)
        try:
            ask_api("/events", body=events, seconds=seconds)
        except PrefectApiError as error:
            raise DeliveryError(str(error)) from None
        return f"{len(events)} events"

    return Sender(send)


def events_of(digest: Digest) -> Sequence[dict[str, Any]]:
    """Return the events of a digest, the one for all of it last."""
    of_incidents = [
        _event(
            digest,
            f"copydesk.incident.{entry['event']}",
            {
                "prefect.resource.id": f"{INCIDENT_RESOURCE}.{entry['incident_id']}",
                "prefect.resource.name": f"{entry['source']} {entry['rule']}",
                "copydesk.source": entry["source"],
                "copydesk.rule": entry["rule"],
                "copydesk.severity": entry["severity"],
            },
            entry,
        )
        for entry in digest["incidents"][:MOST_EVENTS]
    ]
    resource = {
        "prefect.resource.id": f"{HOME_RESOURCE}.{uuid.uuid5(_NAMESPACE, digest['home'])}",
        "prefect.resource.name": digest["home"],
        "copydesk.severity": digest["severity"],
        "copydesk.kind": digest["kind"],
    }
    told = {"subject": headline(digest), "text": plain(digest)}
    return [*of_incidents, _event(digest, DIGEST_EVENT, resource, digest | {"incidents": []} | told)]


def _event(digest: Digest, name: str, resource: dict[str, str], payload: dict[str, Any]) -> dict[str, Any]:
    subject = resource["prefect.resource.id"]
    return {
        "id": str(uuid.uuid5(_NAMESPACE, f"{digest['digest_id']} {name} {subject}")),
        "occurred": digest["noted_at"],
        "event": name,
        "resource": resource,
        "payload": payload | {"digest_id": digest["digest_id"]},
    }

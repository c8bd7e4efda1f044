"""The automation that has Prefect tell people: on each digest of a route of kind `prefect`, a notification.

The notification goes out through a block that somebody saved in Prefect, such as a Custom Webhook; its secrets stay
there. Made again under the same name, it is changed and not doubled.
"""

from typing import Any
from uuid import UUID

from prefect.automations import Automation
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

from flows.alerts.prefect_events import DIGEST_EVENT, HOME_RESOURCE
from flows.prefect_api import PrefectApiError, ask_api

CUSTOM_WEBHOOK = "custom-webhook"


def make_automation(block: str) -> str:
    """Make or change the automation that notifies through a block, `NAME` or `TYPE/NAME`; return its name.

    Raises:
        PrefectApiError: if there is no such block.
    """
    given, _, name = block.rpartition("/")
    kind = given or CUSTOM_WEBHOOK
    wanted = Automation(
        name=f"copydesk digests to {kind}/{name}",
        description="Tells of incidents that were opened, opened again, worsened or resolved.",
        trigger=EventTrigger(
            expect={DIGEST_EVENT},
            match={"prefect.resource.id": f"{HOME_RESOURCE}.*"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            SendNotification(
                block_document_id=_block_id(kind, name),
                subject="{{ event.payload.subject }}",
                body="{{ event.payload.text }}",
            )
        ],
    )
    _save(wanted)
    return wanted.name


def _save(wanted: Automation) -> None:
    try:
        there: Any = Automation.read(name=wanted.name)  # typed as what it returns in a coroutine
    except ValueError:  # there is none of this name
        wanted.create()
        return
    wanted.id = there.id
    wanted.update()


def _block_id(kind: str, name: str) -> UUID:
    try:
        return UUID(ask_api(f"/block_types/slug/{kind}/block_documents/name/{name}")["id"])
    except PrefectApiError as error:
        raise PrefectApiError(f"There is no notification block {kind}/{name} ({error}); save it in Prefect.") from None

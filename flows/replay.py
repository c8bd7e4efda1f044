"""The Prefect flow `replay`: what `copydesk quarantine replay` does, for those who want it on a schedule or a button.

One replay is one commit, so it is one flow run with no tasks. That a batch is refused again is no failure of the
program: the flow run is completed, under the name `Refused`.
"""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import replaying
from flows.alerts.tell import tell_of_news
from flows.prefect_logs import log_stages, log_waiting
from flows.selection import Selection, check_selection, read_age
from flows.settings import load_settings


@flow(name="replay", retries=0, persist_result=False)
def replay(  # noqa: PLR0917 -- the parameters of a deployment
    home: str | None = None,
    config: str | None = None,
    ids: list[str] | None = None,
    source: str | None = None,
    reason: str | None = None,
    run: str | None = None,
    older_than: str | None = None,
    newer_than: str | None = None,
) -> "dict[str, Any] | State[dict[str, Any]]":
    """Load what passes today of what is held back; return what `copydesk quarantine replay --json` prints.

    Args:
        home: Home folder; by default $COPYDESK_HOME, else ./data.
        config: Settings, if not copydesk.toml of the home folder.
        ids: Rows of the quarantine; by default all that are open.
        source: Only of this source.
        reason: Only with this code among the reasons.
        run: Only what this run held back.
        older_than: Only what was held back before, such as 7d.
        newer_than: Only what was held back since, such as 12h.
    """
    settings = load_settings(home=Path(home) if home else None, config=Path(config) if config else None)
    before, after = read_age(older_than, option="older_than"), read_age(newer_than, option="newer_than")
    selection = Selection(tuple(ids or ()), source, reason, run, before, after)
    check_selection(selection, settings)
    replayed = replaying.replay(
        settings, selection, flow_run_id=flow_run.get_id(), on_wait=log_waiting, on_progress=log_stages()
    )
    tell_of_news(settings, say=get_run_logger().warning)
    if replayed.refused:
        return Completed(name="Refused", message=replayed.refused[0].why, data=replayed.as_dict())
    return replayed.as_dict()

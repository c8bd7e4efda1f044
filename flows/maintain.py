"""The Prefect flow `maintain`: what `copydesk maintain` does, on a schedule of its own."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import maintaining
from flows.prefect_logs import log_stages, log_waiting
from flows.settings import load_settings


@flow(name="maintain", retries=0, persist_result=False)
def maintain(home: str | None = None, config: str | None = None) -> dict[str, Any]:
    """Merge small files, give up old snapshots, remove what belongs to nothing; return what that came to.

    Args:
        home: Home folder; by default $COPYDESK_HOME, else ./data.
        config: Settings, if not copydesk.toml of the home folder.
    """
    settings = load_settings(home=Path(home) if home else None, config=Path(config) if config else None)
    return maintaining.maintain(settings, on_wait=log_waiting, on_progress=log_stages()).as_dict()

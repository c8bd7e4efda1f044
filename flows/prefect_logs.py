"""What flows say to Prefect's log while they work."""

from prefect import get_run_logger

from flows.run import OnProgress, Progress
from warehouse.writer_lock import Holder


def log_waiting(holder: Holder | None) -> None:
    """Name who is waited for."""
    get_run_logger().info("Waiting for %s, which is writing to this home folder.", holder or "another process")


def log_stages() -> OnProgress:
    """Return what logs each stage once, as it begins."""
    seen: list[str] = []

    def log(progress: Progress) -> None:
        if seen[-1:] != [progress.stage]:
            seen.append(progress.stage)
            get_run_logger().info("%s", progress.stage)

    return log

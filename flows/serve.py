"""`copydesk serve`: the ingest flow with the schedules of `copydesk.toml`, until it is told to stop.

Where no Prefect API is configured, a server is started on a loopback port, with its database and log in the home
folder, and stopped with us. There is one deployment for each source with a schedule,
which looks at that source's place only, and one without, `drop-zone`, for all of it; and one that maintains the store.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flows.display import tell
from flows.durations import interval_length
from flows.prefect_api import configured_api, is_answering
from flows.settings import WHOLE_ZONE, Settings
from warehouse.home import Home

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment  # slow to import
    from prefect.schedules import Schedule

STARTED, UNREACHABLE, SERVER_FAILED = 0, 2, 3

MAINTENANCE = "store"
"""Name of the deployment of the flow `maintain`."""

START_SECONDS = 120.0
"""A Prefect server takes 10 to 25 s to start, and makes its database the first time."""

STOP_SECONDS = 20.0
"""How long a server may take to stop of its own accord."""


class ServerNotStartedError(Exception):
    """The Prefect server did not come up; the message says where its log lies."""


def serve(settings: Settings, *, config: Path | None) -> int:
    """Serve until interrupted; return the exit code."""
    url = configured_api()
    if url is not None and not is_answering(url):
        tell(
            f"The Prefect API {url} does not answer; start it, or unset PREFECT_API_URL to have a server started here."
        )
        return UNREACHABLE
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STARTED))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in a shell's background starts without
    if url is not None:
        _serve_on(url, settings, config=config)
        return STARTED
    try:
        with _own_server(settings.home) as own_url:
            _serve_on(own_url, settings, config=config)
    except ServerNotStartedError as error:
        tell(str(error))
        return SERVER_FAILED
    return STARTED


def _serve_on(url: str, settings: Settings, *, config: Path | None) -> None:
    os.environ["PREFECT_API_URL"] = url  # read when Prefect is imported, and by the processes of flow runs
    from prefect.runner import Runner  # noqa: PLC0415 -- must come after the line above

    class InterruptibleRunner(Runner):
        """Ends on SIGTERM as on an interrupt: its own handler leaves a coroutine behind, and does not wait for it."""

        def handle_sigterm(self, *_: object, **__: object) -> None:
            signal.raise_signal(signal.SIGINT)

    runner = InterruptibleRunner(limit=1)
    tell(f"Prefect UI: {url.removesuffix('/api')}")
    for deployment in _deployments(settings, config=config):
        runner.add_deployment(deployment)
        tell(f"Serving {deployment.flow_name}/{deployment.name}: {deployment.description}")
    with suppress(KeyboardInterrupt):
        asyncio.run(runner.start())


def _deployments(settings: Settings, *, config: Path | None) -> "list[RunnerDeployment]":
    from prefect.deployments.runner import RunnerDeployment  # noqa: PLC0415 -- slow
    from prefect.types.entrypoint import EntrypointType  # noqa: PLC0415 -- slow

    from flows.ingest import ingest  # noqa: PLC0415 -- imports Prefect
    from flows.maintain import maintain  # noqa: PLC0415 -- the same

    common = {"home": str(settings.home.root), "config": None if config is None else str(config.absolute())}
    zone = RunnerDeployment.from_flow(
        ingest,
        WHOLE_ZONE,
        parameters=common,
        entrypoint_type=EntrypointType.MODULE_PATH,
        description="the whole drop zone, when triggered",
    )
    scheduled = [
        RunnerDeployment.from_flow(
            ingest,
            source.name,
            schedule=_schedule(source.schedule),
            parameters=common | {"zone_of": source.name},
            entrypoint_type=EntrypointType.MODULE_PATH,
            description=f"the drops of {source.name}, {source.schedule}",
        )
        for source in settings.sources.values()
        if source.schedule is not None
    ]
    upkeep = RunnerDeployment.from_flow(
        maintain,
        MAINTENANCE,
        schedule=_schedule(settings.maintenance.schedule),
        parameters=common,
        entrypoint_type=EntrypointType.MODULE_PATH,
        description=f"maintenance of the store, {settings.maintenance.schedule}",
    )
    return [zone, *scheduled, upkeep]


def _schedule(text: str) -> "Schedule":
    """Return Prefect's schedule for `every 15m`, or for cron text."""
    from prefect.schedules import Cron, Interval  # noqa: PLC0415 -- slow

    interval = interval_length(text)
    return Cron(text) if interval is None else Interval(interval)


@contextmanager
def _own_server(home: Home) -> Iterator[str]:
    """Run a Prefect server on a loopback port within the block; yield the URL of its API.

    Raises:
        ServerNotStartedError: if it does not come up.
    """
    home.prefect.mkdir(parents=True, exist_ok=True)
    os.environ |= _server_environment(home)
    port = _free_port()
    command = [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = home.prefect / "server.log"
    tell(f"No Prefect API is configured: starting a server of our own (log: {log}).")
    # In a group of its own: an interrupt at the terminal reaches us alone, and all of the server can be ended at once.
    with (
        log.open("ab") as output,
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as server,  # noqa: S603 -- our own
    ):
        try:
            url = f"http://127.0.0.1:{port}/api"
            _wait_until_answering(url, server, log=log)
            yield url
        finally:
            _stop(server)


def _server_environment(home: Home) -> dict[str, str]:
    """Keep everything of the server in the home folder, and the server off the network."""
    return {
        "PREFECT_HOME": str(home.prefect.absolute()),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home.prefect.absolute() / 'prefect.db'}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_answering(url: str, server: subprocess.Popen[bytes], *, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_answering(url):
        if server.poll() is not None or time.monotonic() > deadline:
            raise ServerNotStartedError(f"The Prefect server did not start; see {log}.")
        time.sleep(0.2)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and what it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sign)
            server.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue

"""A short form of `make torture`: kills at a step and at a moment, and a full disk, with readers beside them."""

import random
from pathlib import Path

import pytest
from torture import COMMANDS, FAULTS, Torture, lines


@pytest.mark.long
def test_ingest_survives_kills_and_a_full_disk(tmp_path: Path) -> None:
    torture = Torture(tmp_path, records=20, rng=random.Random(3), commands=COMMANDS[:1], small_runs=0)  # noqa: S311 -- no secret
    torture.kill_at(COMMANDS[0], "warehouse.lake:Lake insert after 3")
    torture.kill_some_time()
    torture.fill_disk()
    assert torture.counts.said == []
    assert torture.counts.reads >= 6


@pytest.mark.long
def test_every_kind_of_fault_is_counted_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Torture, "_begin", lambda _: None)
    torture = Torture(tmp_path, records=3, rng=random.Random(3), commands=(), small_runs=0)  # noqa: S311 -- no secret
    expected = {table: [(1,), (2,)] for table in torture._content()}
    torture._expected["ingest"] = {**torture._content(), "records": expected["records"]}
    torture._compare(COMMANDS[0], "a round")
    (tmp_path / "home" / "staging" / "run_killed").mkdir()
    torture._look_for_leftovers("a round")
    for kind in ("lost", "doubled or other", "left over"):
        assert torture.counts.faults[kind] > 0
        assert any(line.startswith(kind) for line in lines(torture.counts))
    assert set(torture.counts.faults) <= set(FAULTS)

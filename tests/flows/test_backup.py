"""Backups: all that is needed comes back at any path, nothing is copied twice, and nothing damaged is restored."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli import DONE, FAILED, WRONG_USAGE
from flows.store_cli import NAMED
from warehouse.backup import BackupError, WrongFolderError, read_backup, write_backup
from warehouse.errors import RawDropError
from warehouse.home import Home
from warehouse.journal import read_journal
from warehouse.restore import restore_backup

Copydesk = Callable[..., tuple[int, str, str]]
Query = Callable[..., list[tuple[Any, ...]]]

LONG_RULE = (
    "-- reason: Nobody reads so much.\n-- severity: warning\nSELECT record_id FROM records WHERE body_chars > 1000000\n"
)

CONTENT = """
    SELECT record_id, body, article_id FROM records JOIN record_articles USING (record_id) ORDER BY ALL
"""


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Path:
    """A home folder with a drop, settings, a rule of the user, and its published file."""
    folder = tmp_path_factory.mktemp("one")
    drop = write_lines(folder / "wire" / "one.jsonl", [a_record(1), a_record(2), "nonsense"])
    home = folder / "home"
    (home / "expectations").mkdir(parents=True)
    (home / "copydesk.toml").write_text("[sources.wire]\n")
    (home / "expectations" / "long.sql").write_text(LONG_RULE)
    subprocess.run([sys.executable, "-m", "flows", "ingest", drop, "--home", home], check=True, capture_output=True)
    return home


@pytest.fixture
def home(one_run: Path, begin_with: Callable[[Path], None], tmp_path: Path) -> Path:
    begin_with(one_run)
    return tmp_path / "home"


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_backup_restores_everything_at_another_path(
    home: Path, tmp_path: Path, copydesk: Copydesk, query: Query, ingest: Any, a_record: Any, write_lines: Any
) -> None:
    kept, before = tmp_path / "kept", query(CONTENT, home)
    assert copydesk("backup", kept)[0] == DONE
    shutil.rmtree(home)
    new = tmp_path / "elsewhere" / "home"
    code, _, errors = copydesk("restore", kept, "--home", new)
    assert (code, "is published" in errors) == (DONE, True)
    assert query(CONTENT, new) == before
    assert (new / "copydesk.toml").read_text() == "[sources.wire]\n"
    assert (new / "expectations" / "long.sql").exists()
    assert (
        copydesk("quarantine", "show", query("SELECT quarantine_id FROM ops.quarantine", new)[0][0], "--home", new)[0]
        == DONE
    )
    assert ingest(write_lines(tmp_path / "wire" / "more.jsonl", [a_record(3)]), into=new).records_loaded == 1
    assert copydesk("doctor", "--home", new)[0] == DONE
    assert len(list(read_journal(Home(new)))) == 2


def test_later_backup_copies_only_what_is_new_and_drops_what_is_gone(
    home: Path, tmp_path: Path, ingest: Any, a_record: Any, write_lines: Any
) -> None:
    kept = tmp_path / "kept"
    first = write_backup(Home(home), kept)
    assert first.copied == len(first.files)
    again = write_backup(Home(home), kept)
    assert (again.copied, again.files) == (0, first.files)
    ledger = next(kept / file.stored for file in first.files if file.stored.startswith("changing/") and file.bytes)
    sound = ledger.read_bytes()
    ledger.write_bytes(bytes(len(sound)))
    write_backup(Home(home), kept)
    assert ledger.read_bytes() == sound
    ingest(write_lines(tmp_path / "wire" / "more.jsonl", [a_record(3)]))
    unchanged = {file.path for file in first.files if file.path.endswith((".zst", ".parquet"))}
    unchanged |= {file.path for file in first.files if file.path.startswith("journal/")}
    assert all(file.stored == file.path for file in first.files if file.path in unchanged)
    assert len(unchanged) > 2
    times = {path: (kept / path).stat().st_mtime_ns for path in unchanged}
    (kept / "raw" / "stray").write_bytes(b"x")
    grown = write_backup(Home(home), kept)
    assert unchanged < {file.path for file in grown.files}
    assert {path: (kept / path).stat().st_mtime_ns for path in unchanged} == times
    assert not (kept / "raw" / "stray").exists()
    assert set(files_of(kept)) == {file.stored for file in grown.files} | {"manifest.json"}


@pytest.mark.parametrize(
    "damage", ["cut", *(pytest.param(one, marks=pytest.mark.long) for one in ("other", "gone", "manifest"))]
)
def test_nothing_damaged_is_restored(home: Path, tmp_path: Path, copydesk: Copydesk, damage: str) -> None:
    kept, new = tmp_path / "kept", tmp_path / "new"
    backup = write_backup(Home(home), kept)
    victim = kept / next(file.path for file in backup.files if file.path.endswith(".parquet"))
    content = victim.read_bytes()
    if damage == "gone":
        victim.unlink()
    elif damage == "manifest":
        victim = kept / "manifest.json"
        victim.write_text(victim.read_text()[:-20])
    else:
        victim.write_bytes(content[:-1] if damage == "cut" else bytes([content[0] ^ 1]) + content[1:])
    code, _, errors = copydesk("restore", kept, "--home", new)
    assert (code, str(victim) in errors) == (FAILED, True)
    assert not Home(new).is_initialised
    if damage != "manifest":
        victim.write_bytes(content)
        assert copydesk("restore", kept, "--home", new)[0] == DONE, "what was broken off is taken up again"


def test_home_with_other_data_is_not_restored_into(home: Path, tmp_path: Path) -> None:
    kept, new = tmp_path / "kept", Home(tmp_path / "new")
    write_backup(Home(home), kept)
    new.journal.mkdir(parents=True)
    later = new.journal / "00000009-run_later.json"
    later.write_text("{}")
    with pytest.raises(BackupError, match=r"as it has .*run_later\.json"):
        restore_backup(kept, new)
    later.unlink()
    left = new.catalog.with_name(f"{new.catalog.name}-journal")
    left.write_bytes(b"half a commit")
    (new.journal / ".00000001-run.json.part").write_bytes(b"half of a file, as a restore that was killed leaves it")
    restore_backup(kept, new)
    assert (new.is_initialised, left.exists()) == (True, False)


@pytest.mark.usefixtures("home")
def test_a_backup_is_restored_neither_into_itself_nor_among_what_others_keep(
    tmp_path: Path, copydesk: Copydesk
) -> None:
    kept, others = tmp_path / "kept", tmp_path / "others"
    assert copydesk("backup", kept)[0] == DONE
    (others / "reports").mkdir(parents=True)
    (others / "letter.txt").write_text("Dear Sir")
    before = files_of(tmp_path)
    for place in (kept, kept / "home", tmp_path, others, others / "letter.txt"):
        code, _, errors = copydesk("restore", kept, "--home", place)
        assert (code, "Traceback" in errors) == (WRONG_USAGE, False), place
    assert copydesk("restore", others, "--home", tmp_path / "new")[0] == WRONG_USAGE
    assert files_of(tmp_path) == before
    assert not (tmp_path / "new").exists()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "copydesk.toml").write_text("")
    assert copydesk("restore", kept, "--home", tmp_path / "new")[0] == DONE


@pytest.mark.long
def test_home_in_use_is_not_restored_into(home: Path, tmp_path: Path, copydesk: Copydesk) -> None:
    kept = tmp_path / "kept"
    assert copydesk("backup", kept)[0] == DONE
    before = files_of(home)
    code, _, errors = copydesk("restore", kept)
    assert (code, "is in use" in errors) == (WRONG_USAGE, True)
    assert {path: content for path, content in files_of(home).items() if "lock" not in path} == {
        path: content for path, content in before.items() if "lock" not in path
    }


def test_folder_with_something_else_in_it_is_left_alone(home: Path, tmp_path: Path, copydesk: Copydesk) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    for folder in (other, home / "backup", home.parent):
        assert copydesk("backup", folder)[0] == WRONG_USAGE
    assert copydesk("restore", other, "--home", tmp_path / "new")[0] == WRONG_USAGE
    assert files_of(other) == {"thesis.txt": b"years of work"}


@pytest.mark.parametrize("name", [".git/config", "raw/ab/one.nef", "journal/monday.md"])
def test_folder_that_looks_like_a_backup_is_none(home: Path, tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "theirs" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("years of work")
    with pytest.raises(WrongFolderError, match="something else"):
        write_backup(Home(home), tmp_path / "theirs")
    assert files_of(tmp_path / "theirs") == {name: b"years of work"}


def test_what_the_home_folder_has_lost_stays_in_the_backup(home: Path, tmp_path: Path) -> None:
    kept, note = tmp_path / "kept", tmp_path / "kept" / "note.txt"
    write_backup(Home(home), kept)
    note.write_text("of January")
    write_backup(Home(home), kept)
    before = files_of(kept)
    assert note.exists()
    drop, data = next((home / "raw").rglob("*.zst")), next((home / "lake").rglob("*.parquet"))
    entry = next((home / "journal").iterdir())
    for lost, error in ((drop, BackupError), (entry, WrongFolderError)):
        content = lost.read_bytes()
        lost.unlink()
        with pytest.raises(error, match=lost.name):
            write_backup(Home(home), kept)
        lost.write_bytes(content)
    for damaged, kind in ((drop, RawDropError), (data, BackupError)):
        content = damaged.read_bytes()
        damaged.write_bytes(content[:10])
        with pytest.raises(kind, match=damaged.name):
            write_backup(Home(home), kept)
        damaged.write_bytes(content)
    assert files_of(kept) == before
    restore_backup(kept, Home(tmp_path / "new"))


@pytest.mark.parametrize(
    ("place", "content"), [("raw/??/*.zst", b"other bytes"), ("raw/??/*.zst", None), ("journal/*.json", b"{")]
)
def test_damage_that_no_backup_can_mend_is_copied_and_named(
    home: Path, tmp_path: Path, copydesk: Copydesk, place: str, content: bytes | None
) -> None:
    (damaged,) = home.glob(place)
    damaged.unlink()
    if content is not None:
        damaged.write_bytes(content)
    code, out, errors = copydesk("backup", tmp_path / "kept")
    assert (code, str(damaged) in errors, "holds snapshot" in out) == (NAMED, True, True)
    assert copydesk("backup", tmp_path / "kept")[0] == DONE, "each file is checked once"


def test_restore_that_was_broken_off_before_it_was_published_is_finished(
    home: Path, tmp_path: Path, copydesk: Copydesk, query: Query
) -> None:
    kept, new = tmp_path / "kept", tmp_path / "new"
    write_backup(Home(home), kept)
    restore_backup(kept, Home(new))
    assert copydesk("restore", kept, "--home", new)[0] == DONE
    assert query(CONTENT, new) == query(CONTENT, home)
    assert copydesk("restore", kept, "--home", new)[0] == WRONG_USAGE


def test_manifest_leads_to_no_place_outside_of_the_home_folder(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    write_backup(Home(home), kept)
    manifest = json.loads((kept / "manifest.json").read_text())
    manifest["files"][0]["path"] = "../../escaped"
    (kept / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match="no path in a home folder"):
        restore_backup(kept, Home(tmp_path / "new"))


KILLED_WHILE_COPYING = """
import os, signal, sys
from pathlib import Path
from warehouse import backup
from warehouse.home import Home
from warehouse.journal import read_journal
name, left = sys.argv[3], [int(sys.argv[4])]
original = getattr(backup, name)
def dying(*arguments, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)
setattr(backup, name, dying)
backup.write_backup(Home(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.long
def test_killed_backup_is_the_one_before_and_is_finished_by_the_next(
    home: Path, tmp_path: Path, ingest: Any, a_record: Any, write_lines: Any
) -> None:
    kept = tmp_path / "kept"
    command = [sys.executable, "-c", KILLED_WHILE_COPYING, home, kept]
    for place in (("copied", "5"), ("_write_manifest", "1")):
        assert subprocess.run([*command, *place], check=False).returncode == -9
        with pytest.raises(BackupError, match="no backup"):
            read_backup(kept)
    (kept / ".copied.part").write_bytes(b"half of a file")
    first = write_backup(Home(home), kept)
    ingest(write_lines(tmp_path / "wire" / "more.jsonl", [a_record(3)]))
    for place in (("copied", "3"), ("_write_manifest", "1"), ("_prune", "1")):
        assert (read_backup(kept) == first) is True, place
        assert subprocess.run([*command, *place], check=False).returncode == -9
        restore_backup(kept, Home(tmp_path / "new" / place[0]))
    assert read_backup(kept).snapshot > first.snapshot


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from flows.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_full_disk_is_said_in_a_sentence_and_leaves_the_backup_as_it_was(home: Path, tmp_path: Path) -> None:
    """A limit on the size of a file is met as a full disk is: in the middle of a write."""
    kept = tmp_path / "kept"
    command = [sys.executable, "-c", LIMITED, "backup", kept, "--home", home]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == FAILED
    assert "make room" in done.stderr
    with pytest.raises(BackupError, match="no backup"):
        read_backup(kept)
    write_backup(Home(home), kept)
    restore_backup(kept, Home(tmp_path / "new"))

"""Which files are drops, whose they are, and which of them are news."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.home import Home
from warehouse.landing import (
    SourceNames,
    ZoneRules,
    as_text,
    path_of,
    read_known_files,
    scan,
    unknown_files,
    write_known_files,
)

NAMED = ZoneRules()
LONG_AGO_NS = 1_000_000_000

Scan = Callable[..., pl.DataFrame]
Put = Callable[..., Path]

DROPS = pl.Schema(dict.fromkeys(("source", "drop_sha256", "uri", "status", "error"), pl.String()))


@pytest.fixture
def put(home: Home) -> Put:
    def write(name: str, content: bytes = b"copy") -> Path:
        path = home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def scanned(home: Home) -> Scan:
    """Scan paths, the drop zone by default, as if people had named them."""

    def run(*paths: Path, rules: ZoneRules = NAMED, places: dict[Path, str] | None = None, **more: Any) -> pl.DataFrame:
        names = SourceNames(home.landing, places or {}, **more)
        return scan(paths or (home.landing,), home=home, names=names, rules=rules)

    return run


def names_in(found: pl.DataFrame) -> list[str]:
    return [Path(uri).name for uri in found["uri"]]


def test_each_file_is_found_once_with_its_metadata_in_order_of_source_and_path(put: Put, scanned: Scan) -> None:
    put("wire/b.txt")
    put("wire/a/deep.txt", b"12345")
    put("gazette/z.txt")
    found = scanned()
    assert list(zip(found["source"], names_in(found), strict=True)) == [
        ("gazette", "z.txt"),
        ("wire", "deep.txt"),
        ("wire", "b.txt"),
    ]
    [deep] = found.filter(pl.col("uri").str.ends_with("deep.txt")).rows(named=True)
    status = path_of(deep["uri"]).stat()
    assert (deep["bytes"], deep["mtime_ns"], deep["inode"]) == (5, status.st_mtime_ns, status.st_ino)
    assert found["skip_reason"].null_count() == 3


def test_file_named_twice_is_found_once(put: Put, scanned: Scan) -> None:
    path = put("wire/a.txt")
    assert scanned(path, path.parent, path).height == 1


@pytest.mark.parametrize("name", [".hidden", "half.tmp", "half.part", ".git/config/.x"])
def test_zone_passes_over_names_of_files_in_the_making_and_people_may_name_them(
    name: str, put: Put, scanned: Scan
) -> None:
    path = put(f"wire/{name}")
    os.utime(path, ns=(0, 0))
    assert scanned(rules=ZoneRules(LONG_AGO_NS)).height == 0
    assert scanned(path).height == 1


def test_zone_leaves_a_file_that_changed_a_moment_ago_and_people_may_name_it(put: Put, scanned: Scan) -> None:
    resting, fresh = put("wire/resting.txt"), put("wire/fresh.txt")
    os.utime(resting, ns=(0, LONG_AGO_NS))
    os.utime(fresh, ns=(0, LONG_AGO_NS + 1))
    settled = scanned(rules=ZoneRules(LONG_AGO_NS)).filter("is_settled")
    assert names_in(settled) == ["resting.txt"]
    assert scanned(fresh)["is_settled"].all()


def test_link_within_the_folder_is_followed_and_one_that_leads_out_is_set_aside(
    put: Put, scanned: Scan, tmp_path: Path
) -> None:
    inside, outside = put("wire/inside.txt", b"12345"), tmp_path / "outside.txt"
    outside.write_bytes(b"secret")
    for name, target in {"in": inside, "out": outside, "nowhere": tmp_path / "absent", "to_folder": tmp_path}.items():
        (inside.parent / name).symlink_to(target)
    (inside.parent / "circle").symlink_to(inside.parent / "circle")
    (inside.parent / "up").symlink_to(inside.parent)
    reasons = {Path(row["uri"]).name: (row["bytes"], row["skip_reason"]) for row in scanned().rows(named=True)}
    left_out = (None, "the link leads out of the folder, or nowhere")
    assert {name: reason and (None, reason) for name, (_, reason) in reasons.items()} == {
        "inside.txt": None,
        "in": None,
        "out": left_out,
        "nowhere": left_out,
        "to_folder": left_out,
        "circle": left_out,
    }
    assert reasons["in"][0] == 5


def test_pipe_is_set_aside_and_never_opened(home: Home, scanned: Scan) -> None:
    os.mkfifo(home.landing / "pipe")
    assert scanned()["skip_reason"].to_list() == ["not a regular file"]
    assert scanned(home.landing / "pipe")["skip_reason"].to_list() == ["not a regular file"]


def test_what_the_home_folder_keeps_for_itself_is_no_drop(put: Put, scanned: Scan, home: Home) -> None:
    put("wire/a.txt")
    for folder in (home.raw, home.lake, home.staging, home.prefect, home.reports):
        folder.mkdir(exist_ok=True)
        (folder / "own").write_bytes(b"x")
    home.config.write_bytes(b"")
    assert names_in(scanned(home.root)) == ["a.txt"]


def test_source_is_the_forced_one_else_the_closest_declared_place_else_the_folder(
    put: Put, scanned: Scan, tmp_path: Path, home: Home
) -> None:
    put("wire/deep/a.txt")
    put("loose.txt")
    feeds = tmp_path / "feeds"
    (feeds / "special").mkdir(parents=True)
    for name in ("f.txt", "special/s.txt"):
        (feeds / name).write_bytes(b"x")
    places = {feeds: "declared", feeds / "special": "special", home.landing / "wire" / "deep": "deeper"}
    every = (home.landing, feeds)

    def source_of(**more: Any) -> dict[str, str]:
        found = scanned(*every, **more)
        return dict(zip(names_in(found), found["source"], strict=True))

    assert source_of() == {"a.txt": "wire", "loose.txt": "landing", "f.txt": "feeds", "s.txt": "special"}
    declared = {"a.txt": "deeper", "loose.txt": "landing", "f.txt": "declared", "s.txt": "special"}
    assert source_of(places=places) == declared
    assert set(source_of(places=places, forced="one").values()) == {"one"}


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_any_path_becomes_text_that_leads_back_to_it(name: bytes) -> None:
    path = "/" + os.fsdecode(name.lstrip(b"/"))
    text = as_text(path)
    assert text.encode("utf-8").decode("utf-8") == text
    assert os.fsencode(path_of(text)) == os.fsencode(Path(path))


def test_folder_whose_name_is_not_utf_8_is_a_source_like_any_other(home: Home, scanned: Scan) -> None:
    folder = home.landing / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"copy")
    assert scanned()["source"].to_list() == ["caf\\xe9"]
    assert scanned(folder)["source"].to_list() == ["caf\\xe9"]


def test_file_has_one_path_however_it_is_named(put: Put, scanned: Scan, home: Home) -> None:
    path = put("wire/a.txt")
    roundabout = home.landing / "gazette" / ".." / "wire" / "." / "a.txt"
    assert scanned(roundabout)["uri"].to_list() == scanned(path)["uri"].to_list() == [str(path)]
    assert scanned(roundabout, path.parent / ".." / "wire").height == 1


def test_readable_paths_stay_as_they_are() -> None:
    assert as_text("/landing/Zürich 20%/a b.txt") == "/landing/Zürich 20%/a b.txt"
    assert as_text(os.fsdecode(b"/caf\xe9")) == "/caf\\xe9"


def landed(found: pl.DataFrame, sha256: str | None = "abc") -> pl.DataFrame:
    return found.with_columns(drop_sha256=pl.lit(sha256, dtype=pl.String))


def a_drop(**overrides: str | None) -> pl.DataFrame:
    row = {"source": "wire", "drop_sha256": "abc", "uri": "/a", "status": "loaded", "error": None}
    return pl.DataFrame([row | overrides], schema=DROPS)


def test_known_file_is_no_news_until_anything_of_it_changes(put: Put, scanned: Scan, home: Home) -> None:
    path = put("wire/a.txt")
    write_known_files(home, landed(scanned()))
    known = read_known_files(home)
    assert unknown_files(scanned(), known, a_drop()).height == 0
    assert unknown_files(scanned(forced="other"), known, a_drop()).height == 1, "another source's drop"
    assert unknown_files(scanned(), known, a_drop(drop_sha256="other")).height == 1, "no such drop any more"
    os.utime(path, ns=(0, 1))
    assert unknown_files(scanned(), known, a_drop()).height == 1


def test_file_replaced_by_one_of_same_size_and_time_is_news(put: Put, scanned: Scan, home: Home) -> None:
    path = put("wire/a.txt")
    write_known_files(home, landed(scanned()))
    other = put("wire/b.txt", b"edit")
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert unknown_files(scanned(), read_known_files(home), a_drop()).height == 1


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"PAR1 not")])
def test_cache_that_is_gone_or_damaged_makes_every_file_news_and_is_made_anew(
    damage: Callable[[Path], object], put: Put, scanned: Scan, home: Home
) -> None:
    put("wire/a.txt")
    write_known_files(home, landed(scanned()))
    damage(home.known_files)
    assert unknown_files(scanned(), read_known_files(home), a_drop()).height == 1
    write_known_files(home, landed(scanned()))
    assert unknown_files(scanned(), read_known_files(home), a_drop()).height == 0


def test_cache_keeps_the_newest_row_of_a_path_and_no_row_of_what_could_not_be_read(
    put: Put, scanned: Scan, home: Home
) -> None:
    put("wire/a.txt")
    write_known_files(home, landed(scanned(), "old"))
    write_known_files(home, landed(scanned(), "new"))
    write_known_files(home, landed(scanned(), None))
    assert read_known_files(home)["drop_sha256"].to_list() == ["new"]


def test_link_set_aside_before_is_no_news_again(put: Put, scanned: Scan, home: Home) -> None:
    link = put("wire/a.txt").with_name("link")
    link.symlink_to("/")
    found = scanned().filter(pl.col("skip_reason").is_not_null())
    [[uri, reason]] = found.select("uri", "skip_reason").rows()
    drops = a_drop(drop_sha256=None, uri=uri, status="skipped", error=reason)
    assert unknown_files(found, read_known_files(home), drops).height == 0
    assert unknown_files(found, read_known_files(home), a_drop()).height == 1

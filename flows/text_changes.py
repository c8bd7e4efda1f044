"""What cleaning again changes of records: which fields, and which paragraphs of a body, bounded for people to read.

Fields that only say of the body what it says itself (its length, its digests) are named where it stayed the same.
Run, time and identity of a record are no fields of it here, and neither is the version of the rules.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import polars as pl

from flows.run import WritingRun
from flows.sql_values import plain_text
from transforms.columns import Table
from transforms.schema import RECORD_EVIDENCE, RECORDS, SPANS

VALUE_CHARS = 200
"""What is shown of a value, and of a paragraph that came, went or changed."""

SAME_CHARS = 60
"""What is shown of a paragraph that stayed, and of what stayed before the first change of one."""

MOST_LINES = 30
"""Lines of a difference between two bodies."""

OF_BODY = ("body_chars", "word_count", "body_sha256", "match_key")

_NO_FIELDS = (
    *("record_id", "drop_sha256", "record_no", "byte_start", "byte_end", "source"),
    *("run_id", "ingested_at", "cleaning_version"),
)
FIELDS = tuple(name for name in RECORDS.schema if name not in _NO_FIELDS)

_PARTS = {"spans": SPANS, "evidence": RECORD_EVIDENCE}
"""What else a record has, by the kind under which it is staged, and its table."""

CHANGED = pl.Schema(
    {
        "source": pl.String(),
        "record_id": pl.String(),
        "changed": pl.List(pl.String()),
        "body_chars_before": pl.Int64(),
        "body_chars_after": pl.Int64(),
    }
)
"""A record that changes: `changed` names its fields, and `spans` and `evidence` where these do."""

DESCRIBED = pl.Schema(
    {
        **CHANGED,
        "values": pl.List(pl.Struct({"field": pl.String(), "before": pl.String(), "after": pl.String()})),
        "paragraphs": pl.List(pl.String()),
    }
)
"""The same with the values of fields other than the body, and a unified difference of the paragraphs of the body."""


def changed_records(run: WritingRun) -> Iterator[pl.DataFrame]:
    """Yield the records that differ from what is staged in their place: CHANGED, and FIELDS before and `_after`."""
    for path in run.staged("records"):
        before, after = _stored(run, RECORDS, path), pl.read_parquet(path).select("record_id", *FIELDS)
        both = before.join(after, on="record_id", suffix="_after", maintain_order="left")
        parts = {kind: _differing(run, table, kind, path) for kind, table in _PARTS.items()}
        changed = pl.concat_list(
            *(pl.when(_is_changed(name)).then(pl.lit(name)) for name in FIELDS),
            *(pl.when(pl.col("record_id").is_in(ids.implode())).then(pl.lit(kind)) for kind, ids in parts.items()),
        )
        named = both.with_columns(changed=changed.list.drop_nulls(), body_chars_before="body_chars")
        yield named.filter(pl.col("changed").list.len() > 0)


def describe(changed: pl.DataFrame) -> pl.DataFrame:
    """Say how records change: DESCRIBED. Python per record; for a preview."""
    return pl.DataFrame(
        [
            {
                **{name: row[name] for name in CHANGED},
                "values": [
                    {"field": name, "before": _shown(row[name]), "after": _shown(row[f"{name}_after"])}
                    for name in row["changed"]
                    if name != "body" and name in FIELDS
                ],
                "paragraphs": list(cut_lines(compare_paragraphs(row["body"], row["body_after"]))),
            }
            for row in changed.iter_rows(named=True)
        ],
        schema=DESCRIBED,
    )


def _stored(run: WritingRun, table: Table, staged: Path) -> pl.DataFrame:
    """Return the stored rows of staged records."""
    query = f"SELECT * FROM {table.name} SEMI JOIN read_parquet($staged) USING (record_id)"
    return run.lake.query(query, {"staged": str(staged)}).select(table.schema.names()).cast(table.schema)


def _differing(run: WritingRun, table: Table, kind: str, records: Path) -> pl.Series:
    """Return the records whose rows of a table are others now; both lie staged by the same batches."""
    columns = table.schema.names()
    before = _stored(run, table, records)
    after = pl.read_parquet(records.with_name(records.name.replace("records", kind)), columns=columns)
    gone = before.join(after, on=columns, how="anti", nulls_equal=True)
    new = after.join(before, on=columns, how="anti", nulls_equal=True)
    return pl.concat([gone, new]).get_column("record_id").unique()


def _is_changed(name: str) -> pl.Expr:
    is_changed = pl.col(name).ne_missing(pl.col(f"{name}_after"))
    return is_changed & pl.col("body").eq_missing(pl.col("body_after")) if name in OF_BODY else is_changed


def _shown(value: object) -> str | None:
    return None if value is None else _cut(plain_text(value), VALUE_CHARS)


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[:chars]}…"


def cut_lines(lines: Sequence[str]) -> Iterator[str]:
    """Leave out what is beyond MOST_LINES, and say how much that is."""
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"… {len(lines) - MOST_LINES:,} more lines"


def compare_paragraphs(before: str, after: str) -> list[str]:
    """Return a unified difference by paragraphs, with one that stayed on either side; nothing where nothing differs."""
    left, right = before.split("\n\n"), after.split("\n\n")
    lines = []
    for group in SequenceMatcher(None, left, right).get_grouped_opcodes(1):
        (_, i, _, j, _), (_, _, i_end, _, j_end) = group[0], group[-1]
        lines.append(f"@@ -{i + 1},{i_end - i} +{j + 1},{j_end - j} @@")
        for tag, first, last, other_first, other_last in group:
            if tag == "equal":
                lines += [f" {_cut(paragraph, SAME_CHARS)}" for paragraph in left[first:last]]
            else:
                lines += _changed_lines(left[first:last], right[other_first:other_last])
    return lines


def _changed_lines(left: Sequence[str], right: Sequence[str]) -> Iterator[str]:
    """Yield what went and what came; of as many paragraphs each, pair by pair from where they differ."""
    if len(left) != len(right):
        yield from (f"-{_cut(paragraph, VALUE_CHARS)}" for paragraph in left)
        yield from (f"+{_cut(paragraph, VALUE_CHARS)}" for paragraph in right)
        return
    for one, other in zip(left, right, strict=True):
        same = max(_shared_chars(one, other) - SAME_CHARS, 0)
        for mark, paragraph in (("-", one), ("+", other)):
            yield f"{mark}{'…' if same else ''}{_cut(paragraph[same:], VALUE_CHARS)}"


def _shared_chars(one: str, other: str) -> int:
    """Count the characters with which both texts begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))

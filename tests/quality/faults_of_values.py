"""Faults of values: dates, ids, authors and addresses that are wrong or none, and headlines of other articles."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from clean_drops import Row
from drop_sources import COLOMBO
from fault_kinds import Extent, Fate, Kind, Scene, codes
from right_codes import ALIKE, DATES, FIELDS, HELD_BACK, SHORT

BIOGRAPHY = (
    "Anoma Perera has covered courts and crime since 1998. She studied law in Colombo and lives with two cats. Her "
    "first novel, The Long Verandah, was published last year. Follow her on social media for updates."
)


def _date(row: Row, scene: Scene) -> datetime:
    return datetime.fromisoformat(str(scene.get(row, "published_at")))


def date_as_epoch(row: Row, scene: Scene) -> Row:
    return scene.put(row, published_at=round(_date(row, scene).timestamp()))


def date_garbled(row: Row, scene: Scene) -> Row:
    return scene.put(row, published_at=scene.rng.choice(["[object Object]", "1970-00-00", "%Y-%m-%d", "yesterday-ish"]))


def in_the_future(row: Row, scene: Scene) -> Row:
    moved = _date(row, scene) + timedelta(days=scene.rng.randint(20, 400))
    return scene.put(row, published_at=moved.isoformat())


def month_first(row: Row, scene: Scene) -> Row:
    day, month, rest = str(scene.get(row, "published_at")).split("/", 2)
    return scene.put(row, published_at=f"{month}/{day}/{rest}")


def all_of_one_date(row: Row, scene: Scene) -> Row:
    """Give the date at which the archive was set up, two years ago."""
    stale = (scene.drop.at - timedelta(days=731)).astimezone(COLOMBO).replace(hour=0, minute=0, second=0, microsecond=0)
    return scene.put(row, published_at=stale.isoformat())


def ids_reused(row: Row, scene: Scene) -> Row:
    """Give one of a handful of ids, and its address."""
    number = scene.rng.randint(1, max(2, len(scene.drop.rows) // 40))
    return scene.put(row, external_id=f"W000000{number}", url=f"https://wire.example/story?id={number}")


def placeholders(row: Row, scene: Scene) -> Row:
    """Let the body be, and put the word for nothing everywhere else."""
    nothing = scene.rng.choice(["N/A", "null", "undefined", "None", "-"])
    return scene.put(row, headline=nothing, authors=nothing, dek=nothing, published_at=nothing, url=nothing)


def placeholder_body(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.rng.choice(["N/A", "null", "undefined", "None", "nan"]))


def authors_full_of_junk(row: Row, scene: Scene) -> Row:
    rng = scene.rng
    junk = [
        "newsdesk@export.example; webmaster@export.example; +94 11 243 2010",
        "Posted by admin | Updated 5 hours ago | 3 min read | Share | Tweet | Print",
        BIOGRAPHY,
        "{{ article.author.name }}",
        "https://export.example/staff/4411?ref=byline",
    ]
    return scene.put(row, authors=rng.choice(junk))


def url_garbage(row: Row, scene: Scene) -> Row:
    return scene.put(
        row, url=scene.rng.choice(["http://", "javascript:void(0)", "#", "[link]", "h ttp:/news?id=", "%s"])
    )


def same_url_template(row: Row, scene: Scene) -> Row:
    return scene.put(row, url="https://api.example/articles/{slug}")


def shuffled_headlines(rows: Sequence[Row], share: float, scene: Scene) -> Sequence[Row]:
    """Move the headlines of a run of records by one, as a feed does whose lists no longer have the same length."""
    count = max(2, round(share * len(rows)))
    start = scene.rng.randint(0, len(rows) - count)
    part = list(rows[start : start + count])
    moved = [
        scene.put(row, headline=scene.get(other, "headline"))
        for row, other in zip(part, part[1:] + part[:1], strict=True)
    ]
    return [*rows[:start], *moved, *rows[start + count :]]


KINDS = (
    Kind(
        "date becomes a number",
        "wire",
        Extent.RECORDS,
        date_as_epoch,
        Fate.LOADED,
        codes(f"{FIELDS} {DATES}"),
        "A number of seconds can be read; the next change of type may not.",
    ),
    Kind(
        "date garbled",
        "api",
        Extent.RECORDS,
        date_garbled,
        Fate.LOADED,
        codes(f"{FIELDS} {DATES} published_at_fill_rate"),
        "The text is sound; the date is not known.",
    ),
    Kind(
        "dates in the future",
        "wire",
        Extent.RECORDS,
        in_the_future,
        Fate.LOADED,
        codes(DATES),
        "The text is sound.",
    ),
    Kind(
        "day and month swapped",
        "export",
        Extent.RECORDS,
        month_first,
        Fate.LOADED,
        codes(DATES),
        "The text is sound; the source is declared to write the day first.",
    ),
    Kind(
        "all of one old date",
        "wire",
        Extent.RECORDS,
        all_of_one_date,
        Fate.LOADED,
        codes(f"{DATES} same_date_change"),
        "The text is sound; that so much of a daily drop is two years old is not.",
    ),
    Kind(
        "ids of other records",
        "wire",
        Extent.RECORDS,
        ids_reused,
        Fate.LOADED,
        codes("repeated_id_share_change id_reused flagged_share_change"),
        "The texts are sound, and differ; what stands for them does not.",
    ),
    Kind(
        "placeholders for values",
        "export",
        Extent.RECORDS,
        placeholders,
        Fate.LOADED,
        codes(
            f"{DATES} {FIELDS} {ALIKE} headline_fill_rate_change authors_fill_rate_change dek_fill_rate_change "
            "url_fill_rate_change malformed_url odd_authors headline_mismatch"
        ),
        "The text is sound; the word for nothing is no value.",
    ),
    Kind(
        "placeholder for the body",
        "wire",
        Extent.RECORDS,
        placeholder_body,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {SHORT} volume_change"),
        "There is no text.",
    ),
    Kind(
        "authors full of junk",
        "export",
        Extent.RECORDS,
        authors_full_of_junk,
        Fate.LOADED,
        codes("odd_authors authors_fill_rate_change flagged_share_change"),
        "The text is sound; addresses, buttons and lives are no names.",
    ),
    Kind(
        "URL garbage",
        "api",
        Extent.RECORDS,
        url_garbage,
        Fate.LOADED,
        codes("malformed_url url_fill_rate_change repeated_id_share_change flagged_share_change"),
        "The text is sound.",
    ),
    Kind(
        "URL template on all",
        "api",
        Extent.RECORDS,
        same_url_template,
        Fate.LOADED,
        codes(
            "malformed_url repeated_url repeated_url_change repeated_id_share_change url_fill_rate_change "
            "flagged_share_change id_reused"
        ),
        "The text is sound; one address stands for all.",
    ),
    Kind(
        "headlines moved by one",
        "wire",
        Extent.DELIVERY,
        shuffled_headlines,
        Fate.LOADED,
        codes("headline_mismatch flagged_share_change"),
        "The text is sound; the headline is that of the next article.",
    ),
)

"""Faults of fields: renamed, missing, new or swapped ones, and values of another type."""

import json

from clean_drops import Row
from fault_kinds import Extent, Fate, Kind, Scene, codes
from right_codes import DATES, FIELDS, HELD_BACK, SHORT


def headline_for_body(row: Row, scene: Scene) -> Row:
    return scene.put(row, headline=scene.body(row), body=scene.get(row, "headline"))


def author_for_date(row: Row, scene: Scene) -> Row:
    return scene.put(row, authors=scene.get(row, "published_at"), published_at=scene.get(row, "authors"))


def _renamed(row: Row, scene: Scene, name: str, new: str) -> Row:
    old = scene.names[name]
    return {new if key == old else key: value for key, value in row.items()}


def body_renamed(row: Row, scene: Scene) -> Row:
    return _renamed(row, scene, "body", "storyBlock")


def headline_renamed(row: Row, scene: Scene) -> Row:
    return _renamed(row, scene, "headline", "hed")


def date_missing(row: Row, scene: Scene) -> Row:
    return {key: value for key, value in row.items() if key != scene.names["published_at"]}


def new_columns(row: Row, scene: Scene) -> Row:
    rng = scene.rng
    return row | {"channel_id": rng.randint(1, 40), "paywalled": "no", "ab_test": rng.choice("AB"), "score": "0.0"}


def headline_as_list(row: Row, scene: Scene) -> Row:
    return scene.put(row, headline=[{"type": "text", "value": scene.get(row, "headline")}])


def body_as_object(row: Row, scene: Scene) -> Row:
    paragraphs = scene.body(row).split("\n\n")
    return scene.put(row, body={"blocks": [{"type": "p", "children": [{"text": text}]} for text in paragraphs]})


def headline_missing(row: Row, scene: Scene) -> Row:
    return scene.put(row, headline=None)


def fields_as_json_text(row: Row, _: Scene) -> Row:
    """Put all into one field, as text."""
    return {"payload": json.dumps(row, ensure_ascii=False), "version": "2"}


KINDS = (
    Kind(
        "headline and body swapped",
        "api",
        Extent.RECORDS,
        headline_for_body,
        Fate.EITHER,
        codes(
            f"{HELD_BACK} {SHORT} headline_too_long headline_mismatch flagged_share_change truncated_body "
            "unfinished_share_change headline_fill_rate_change language_mix_change"
        ),
        "All is there, in the wrong place: a headline of a thousand characters, a body of ten words.",
    ),
    Kind(
        "author and date swapped",
        "export",
        Extent.RECORDS,
        author_for_date,
        Fate.LOADED,
        codes(f"{DATES} odd_authors authors_fill_rate_change"),
        "The text is sound; date and authors are not known.",
    ),
    Kind(
        "body renamed",
        "wire",
        Extent.WHOLE_FILES,
        body_renamed,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {FIELDS} body_length_change volume_change"),
        "Without a mapping no text is found; mapped, all comes in from the kept bytes.",
    ),
    Kind(
        "headline renamed",
        "api",
        Extent.WHOLE_FILES,
        headline_renamed,
        Fate.LOADED,
        codes(f"{FIELDS} headline_fill_rate_change headline_fill_rate"),
        "The text is sound; the headline is in extra.",
    ),
    Kind(
        "headline missing",
        "wire",
        Extent.RECORDS,
        headline_missing,
        Fate.LOADED,
        codes(f"{FIELDS} headline_fill_rate_change headline_fill_rate"),
        "The text is sound.",
    ),
    Kind(
        "column missing",
        "export",
        Extent.WHOLE_FILES,
        date_missing,
        Fate.LOADED,
        codes(f"{FIELDS} published_at_fill_rate_change published_at_fill_rate freshness_change"),
        "The text is sound; it has no date.",
    ),
    Kind(
        "new columns",
        "export",
        Extent.WHOLE_FILES,
        new_columns,
        Fate.LOADED,
        codes("fields_appeared"),
        "Nothing is lost; an exporter that changes is worth knowing.",
    ),
    Kind(
        "headline becomes a list",
        "api",
        Extent.RECORDS,
        headline_as_list,
        Fate.LOADED,
        codes(f"{FIELDS} headline_fill_rate_change headline_fill_rate"),
        "The text is sound.",
    ),
    Kind(
        "body becomes an object",
        "api",
        Extent.RECORDS,
        body_as_object,
        Fate.EITHER,
        codes(f"{FIELDS} {HELD_BACK} {SHORT} many_symbols volume_change"),
        "The text is inside, among names and brackets; that is no body.",
    ),
    Kind(
        "records as JSON in a field",
        "wire",
        Extent.WHOLE_FILES,
        fields_as_json_text,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {FIELDS} volume_change"),
        "No field that is known has a text.",
    ),
)

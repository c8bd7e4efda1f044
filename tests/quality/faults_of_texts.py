"""Faults of texts: cut, marked up, repeated or foreign ones, and headlines that are not their own."""

import html
import re

from clean_drops import Row
from fault_kinds import Extent, Fate, Kind, Scene, codes
from right_codes import ALIKE, BROKEN_TEXT, HELD_BACK

NEW_FURNITURE = (
    "Win a weekend for two in Bentota: play our Big Monsoon Quiz in the Gazette app before midnight on Friday."
)


def truncated(row: Row, scene: Scene) -> Row:
    """Cut in the middle of a word, as a database field that is too short does."""
    body = scene.body(row)
    cut = body[: max(40, round(len(body) * scene.rng.uniform(0.3, 0.6)))]
    return scene.put(row, body=re.sub(r"[\W_]+$", "", cut))


def with_markup(row: Row, scene: Scene) -> Row:
    """Give the body as the editor has it, with classes, a script and escaped quotes."""
    paragraphs = "".join(
        f'<p class="wp-block"><span style="font-size:12px">{html.escape(text)}</span></p>\n'
        for text in scene.body(row).split("\n\n")
    )
    return scene.put(row, body=f'<div id="story">{paragraphs}<script>track("view");</script></div>')


def escaped_twice(row: Row, scene: Scene) -> Row:
    """Leave entities in place of quotes, dashes and spaces: what was escaped once too often."""
    body = scene.body(row).replace("&", "&amp;").replace("’", "&rsquo;").replace("'", "&#39;").replace('"', "&quot;")
    body = re.sub(r"(?<=[.,])\s", "&nbsp; ", body.replace("“", "&ldquo;").replace("”", "&rdquo;"))
    return scene.put(row, body=html.escape(body))


def foreign(row: Row, scene: Scene) -> Row:
    article = scene.rng.choice(scene.strangers)
    return scene.put(row, headline=article.headline, body=article.body)


def one_body(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.body(scene.drop.rows[0]))


def new_furniture(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=f"{scene.body(row)}\n\n{NEW_FURNITURE}")


def glued_headline(row: Row, scene: Scene) -> Row:
    """Put the headline of another article on top, above the own one."""
    other = scene.get(scene.other(row), "headline")
    return scene.put(row, headline=other, body=f"{scene.get(row, 'headline')}\n\n{scene.body(row)}")


def control_characters(row: Row, scene: Scene) -> Row:
    body = re.sub(r" (?=\S{5})", lambda _: scene.rng.choice([" ", "\x02", "\x0b", "\x1b[0m", "\x08"]), scene.body(row))
    return scene.put(row, body=body)


def one_line_repeated(row: Row, scene: Scene) -> Row:
    first = scene.body(row).split("\n\n")[0]
    return scene.put(row, body="\n\n".join([first] * 12))


KINDS = (
    Kind(
        "truncated bodies",
        "api",
        Extent.RECORDS,
        truncated,
        Fate.LOADED,
        codes("truncated_body unfinished_share_change body_length_change flagged_share_change"),
        "Half an article is worth having, if it is known to be half.",
    ),
    Kind(
        "truncated text files",
        "texts",
        Extent.RECORDS,
        truncated,
        Fate.LOADED,
        codes("truncated_body unfinished_share_change body_length_change flagged_share_change truncated"),
        "As above.",
    ),
    Kind(
        "markup in bodies",
        "wire",
        Extent.RECORDS,
        with_markup,
        Fate.LOADED,
        codes("markup_left markup_share_change repair_share_change flagged_share_change"),
        "Markup is taken out; that there is any is new.",
    ),
    Kind(
        "entities left",
        "wire",
        Extent.RECORDS,
        escaped_twice,
        Fate.LOADED,
        codes("markup_left markup_share_change repair_share_change many_symbols flagged_share_change encoding_change"),
        "Entities are read; that there are any is new.",
    ),
    Kind(
        "another language",
        "wire",
        Extent.RECORDS,
        foreign,
        Fate.LOADED,
        codes("language_mix_change language_mismatch unlike_language flagged_share_change"),
        "The articles are sound; the source has other ones.",
    ),
    Kind(
        "one body on all",
        "api",
        Extent.RECORDS,
        one_body,
        Fate.LOADED,
        codes(f"{ALIKE} headline_mismatch flagged_share_change"),
        "One of them may be right, and which is not for a rule of records to say.",
    ),
    Kind(
        "new furniture",
        "export",
        Extent.RECORDS,
        new_furniture,
        Fate.LOADED,
        codes("boilerplate_share_change repeated_line"),
        "The rest of the text is sound.",
    ),
    Kind(
        "glued headlines",
        "wire",
        Extent.RECORDS,
        glued_headline,
        Fate.LOADED,
        codes("headline_mismatch flagged_share_change"),
        "The text is sound; the headline is another's.",
    ),
    Kind(
        "glued headlines in text files",
        "texts",
        Extent.RECORDS,
        glued_headline,
        Fate.LOADED,
        codes("headline_mismatch flagged_share_change"),
        "As above.",
    ),
    Kind(
        "control characters",
        "wire",
        Extent.RECORDS,
        control_characters,
        Fate.LOADED,
        codes(f"{BROKEN_TEXT} repair_share_change"),
        "Without them the text can be read.",
    ),
    Kind(
        "one line repeated",
        "api",
        Extent.RECORDS,
        one_line_repeated,
        Fate.LOADED,
        codes(f"repeated_lines repeated_line flagged_share_change body_length_change {HELD_BACK}"),
        "One line of it is sound.",
    ),
)

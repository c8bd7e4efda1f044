"""Faults of texts that no rule was made for.

Kept apart: no rule is to be fitted to them, and they are measured now and then. Kinds, sources and most of the texts
are others than those of the faults that are measured every day.
"""

import base64
import json
import re
import unicodedata
from functools import cache

from clean_drops import Row
from fault_kinds import Extent, Fate, Kind, Scene, codes
from labelled_texts import read_rows
from right_codes import ALIKE, BROKEN_TEXT, FIELDS, HEADLINES, HELD_BACK, LENGTHS, UNLIKE

SOFT_HYPHEN, ZERO_WIDTH_SPACE, RIGHT_TO_LEFT = "\u00ad", "\u200b", "\u202e"
LOOKALIKES = str.maketrans("aceopxyiABEHKMOPTX", "асеорхуіАВЕНКМОРТХ")
MISREAD = {"rn": "m", "cl": "d", "li": "h", "e": "c", "I": "1", "o": "0", "t": "f", "h": "b", "m": "rn"}


@cache
def _furniture(kind: str) -> tuple[str, ...]:
    return tuple(row["text"] for row in read_rows("furniture") if row["kind"] == kind and row["language"] == "en")


def base64_body(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=base64.b64encode(scene.body(row).encode()).decode())


def line_numbers(row: Row, scene: Scene) -> Row:
    words = scene.body(row).split()
    lines = [" ".join(words[at : at + 12]) for at in range(0, len(words), 12)]
    return scene.put(row, body="\n".join(f"{number:>4}  {line}" for number, line in enumerate(lines, 1)))


def right_to_left(row: Row, scene: Scene) -> Row:
    """Turn each line round, and say that it runs from right to left."""
    lines = scene.body(row).split("\n")
    return scene.put(row, body="\n".join(f"{RIGHT_TO_LEFT}{line[::-1]}" if line else "" for line in lines))


def zero_width_spaces(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=re.sub(r"(?<=\w)(?=\w)", ZERO_WIDTH_SPACE, scene.body(row)))


def soft_hyphens(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=re.sub(r"(?<=\w{2})(?=\w{2})", SOFT_HYPHEN, scene.body(row)))


def body_as_json_text(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=json.dumps({"type": "doc", "text": scene.body(row)}, ensure_ascii=True))


def upper_case(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.body(row).upper(), headline=str(scene.get(row, "headline")).upper())


def _furniture_alone(row: Row, scene: Scene, *kinds: str) -> Row:
    texts = [text for kind in kinds for text in _furniture(kind)]
    return scene.put(row, body="\n\n".join(scene.rng.sample(texts, 3)))


def captions_alone(row: Row, scene: Scene) -> Row:
    return _furniture_alone(row, scene, "caption", "image_credit")


def comments_alone(row: Row, scene: Scene) -> Row:
    return _furniture_alone(row, scene, "comments")


def consent_alone(row: Row, scene: Scene) -> Row:
    return _furniture_alone(row, scene, "consent")


def untranslated(row: Row, scene: Scene) -> Row:
    key = scene.rng.choice(["article.body.content", "story.main.text", "cms.field.body.value"])
    return scene.put(row, body=f"[missing \"en.{key}\" translation] {{{{ t('{key}') }}}}")


def badly_scanned(row: Row, scene: Scene) -> Row:
    rng, pattern = scene.rng, "|".join(MISREAD)
    text = re.sub(pattern, lambda found: MISREAD[found[0]] if rng.random() < 0.3 else found[0], scene.body(row))
    return scene.put(row, body=re.sub(r" (?=\w)", lambda _: rng.choice([" ", " ", " ", " ", "", " ~", "\n"]), text))


def lookalike_letters(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.body(row).translate(LOOKALIKES))


def without_spaces(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.body(row).replace(" ", ""))


def decomposed_and_stripped(row: Row, scene: Scene) -> Row:
    """Lose all combining marks, as an export to a column of the wrong collation does."""
    letters = unicodedata.normalize("NFD", scene.body(row))
    return scene.put(
        row, body="".join(letter for letter in letters if not unicodedata.category(letter).startswith("M"))
    )


def question_marks(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.body(row).encode("ascii", "replace").decode())


KINDS = (
    Kind(
        "base64 bodies",
        "portal",
        Extent.RECORDS,
        base64_body,
        Fate.EITHER,
        codes(f"{HELD_BACK} {UNLIKE} {LENGTHS} {HEADLINES} many_symbols"),
        "No word of it can be read as it is.",
    ),
    Kind(
        "line numbers",
        "portal",
        Extent.RECORDS,
        line_numbers,
        Fate.LOADED,
        codes(
            f"numbered_lines many_symbols markup_share_change {LENGTHS} repair_share_change boilerplate_share_change"
        ),
        "The text is sound but for the numbers.",
    ),
    Kind(
        "lines turned round",
        "portal",
        Extent.RECORDS,
        right_to_left,
        Fate.EITHER,
        codes(f"{BROKEN_TEXT} {UNLIKE} {LENGTHS} {HEADLINES}"),
        "Shown as it should be, and unreadable to programs.",
    ),
    Kind(
        "zero-width spaces",
        "gazette",
        Extent.RECORDS,
        zero_width_spaces,
        Fate.LOADED,
        codes(f"{BROKEN_TEXT} {UNLIKE} {LENGTHS} {HEADLINES}"),
        "The text is sound once they are gone.",
    ),
    Kind(
        "soft hyphens",
        "portal",
        Extent.RECORDS,
        soft_hyphens,
        Fate.LOADED,
        codes(f"{BROKEN_TEXT} {UNLIKE} {LENGTHS} {HEADLINES}"),
        "As above.",
    ),
    Kind(
        "bodies as JSON text",
        "portal",
        Extent.RECORDS,
        body_as_json_text,
        Fate.EITHER,
        codes(f"{HELD_BACK} {UNLIKE} {LENGTHS} {HEADLINES} many_symbols program_text {FIELDS}"),
        "The text is inside, escaped.",
    ),
    Kind(
        "upper case",
        "portal",
        Extent.RECORDS,
        upper_case,
        Fate.LOADED,
        codes(f"{UNLIKE} {HEADLINES} all_capitals"),
        "The text is sound, if hard to read.",
    ),
    Kind(
        "captions alone",
        "portal",
        Extent.RECORDS,
        captions_alone,
        Fate.EITHER,
        codes(f"{HELD_BACK} {LENGTHS} {ALIKE} {HEADLINES}"),
        "What stands below a picture is no article.",
    ),
    Kind(
        "comments alone",
        "portal",
        Extent.RECORDS,
        comments_alone,
        Fate.EITHER,
        codes(f"{HELD_BACK} {LENGTHS} {ALIKE} {HEADLINES} boilerplate_share_change block_page"),
        "As above.",
    ),
    Kind(
        "consent alone",
        "portal",
        Extent.RECORDS,
        consent_alone,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {LENGTHS} {ALIKE} {HEADLINES} boilerplate_share_change block_page"),
        "As above.",
    ),
    Kind(
        "untranslated keys",
        "gov",
        Extent.RECORDS,
        untranslated,
        Fate.EITHER,
        codes(f"{HELD_BACK} {LENGTHS} {ALIKE} {HEADLINES} many_symbols program_text"),
        "A template that found no text.",
    ),
    Kind(
        "bad scans",
        "gov",
        Extent.RECORDS,
        badly_scanned,
        Fate.LOADED,
        codes(f"{UNLIKE} {BROKEN_TEXT} {HEADLINES} {LENGTHS}"),
        "Readable, with effort.",
    ),
    Kind(
        "look-alike letters",
        "gov",
        Extent.RECORDS,
        lookalike_letters,
        Fate.EITHER,
        codes(f"{UNLIKE} {BROKEN_TEXT} {HEADLINES}"),
        "Readable, and found by no search.",
    ),
    Kind(
        "no spaces",
        "portal",
        Extent.RECORDS,
        without_spaces,
        Fate.EITHER,
        codes(f"{UNLIKE} {BROKEN_TEXT} {HEADLINES} {LENGTHS}"),
        "No word of it can be found.",
    ),
    Kind(
        "marks lost",
        "gazette",
        Extent.RECORDS,
        decomposed_and_stripped,
        Fate.EITHER,
        codes(f"{UNLIKE} {BROKEN_TEXT} {HEADLINES} {LENGTHS}"),
        "Tamil without its vowels; English is hardly touched.",
    ),
    Kind(
        "question marks for letters",
        "gazette",
        Extent.RECORDS,
        question_marks,
        Fate.EITHER,
        codes(f"{HELD_BACK} {UNLIKE} {BROKEN_TEXT} {HEADLINES} {LENGTHS}"),
        "What was not ASCII is lost.",
    ),
)

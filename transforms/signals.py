"""What a line may be, judged on its own: signs of page furniture, of credits, of bylines and of biographies.

Decides which lines are worth a look, and why. Whether such a line is removed depends on its neighbours, and is decided
in `labels`. All here is done for whole columns at once; where an expression is dear, a cheap look at the words
that it cannot do without comes first.
"""

from collections.abc import Iterator
from functools import cache

import polars as pl

from transforms.appeals import APPEAL, CUES, AppealReader
from transforms.bylines import AND, PARTICLES
from transforms.captions import PERSON_IN_BRACKETS, CaptionReader
from transforms.vocabulary import LABEL_KINDS, PHRASE_KINDS, Vocabulary

LONGEST_LINE = 700
"""Characters of a line that may be furniture; longer ones were prose in every page looked at."""
SHORT_LINE = 160
"""Credits, labels, marks of threads and bylines are no longer."""
CAPTION_CHARS = 400
"""A label or a credit is surer than a shape, and the caption may be longer (`captions.LONGEST_CAPTION`)."""
CREDIT_CHARS = 120
"""How much of the end of a caption is searched for a credit."""
MOST_LABEL_CHARS = 60
"""A sentence longer than this is no button and no label."""
ADDRESS_CHARS = 200
"""A longer line is the last paragraph of an article that speaks to its readers."""
HEAD_CHARS = 150
"""How much of a biography is searched for the name that it begins with, and for what follows the name."""
SURE_CHARS = 200
"""A line that bears a likely sign and is no longer than this is furniture wherever it stands."""
FIRST_LONG_LINES, LAST_LONG_LINES = 4, 6
"""Longer lines are furniture only at either end of a text."""
BYLINE_LINES, BIO_LINES = 8, 20
"""Lines at the top among which bylines, and at the end among which biographies are looked for; threads stand below the
latter."""

SURE, LIKELY, POSSIBLE, WEAK = 2, 1, 0, -1
SIGNALS = pl.Schema({"id": pl.UInt32(), "kind": pl.String(), "rule": pl.String(), "weight": pl.Int64()})
"""`weight` says how sure the sign is: `SURE`, `LIKELY`, `POSSIBLE`, or `WEAK`, which counts only beside others."""

NAME_AND_ROLE = "name_and_role"
BARE_NAMES = "bare_names"
BYLINE_LABEL = "byline_label"
TIMESTAMP = "timestamp"
READER_SAYS = "reader_says"
READER_ACTS = "reader_acts"
ADDRESS = "addresses_reader"

_NAME_WORD = r"\p{Lu}[\p{L}\p{M}.’'ʼ\-]*"
_NAME = rf"{_NAME_WORD}(?:\s+(?:(?:{'|'.join(sorted(PARTICLES))})\s+)*{_NAME_WORD}){{1,4}}"
_AND = rf"\s+(?:{AND})\s+"
_CASELESS_NAME = r"(?:\p{Lo}{1,2}\.\s*){0,2}\p{Lo}[\p{Lo}\p{M}]+\s+\p{Lo}[\p{Lo}\p{M}]+"

_IMAGE_FILE = (
    r"(?i)^\W{0,3}(?:\S+\s){0,5}\S*[\w)\]%]\.(?:jpe?g|png|gif|webp|svg|avif|bmp|tiff?|heic)(?:\?\S*)?[\])]*"
    r"(?:\s*[\[(]?\s*(?:[\d.,]+\s*[x×]\s*[\d.,]+|[\d.,]+\s*[km]i?b).*)?\W{0,3}$|^!\[[^\]]*\]\([^)]*\)$|^<img\s[^>]*>$"
)
_HANDLES = r"^(?:[\s|•·,/]*@[A-Za-z0-9_.]+)+\W*$"
_QUOTED = r"[\"“”„«»‘]"
_OF_US_ALL = r"^[^.!?]{90,}[.!?]$|\bour\b[^.!]*\?$"
"""A long sentence, or a question of ours: prose that says "our" of a nation."""
_ADDRESS = r"(?i)^\W*(?:e-?mail:?\s*)?(?:https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+)\W*$"
_TRAIL = r"^[^.!?«]+(?:\s*[>›»→]\s*[^.!?>›»→]+)+[>›»→]?$|^[^.!?|•·]+(?:\s[|•·]\s[^.!?|•·]+){2,}$"
_AMOUNT = r"^\W{0,3}(?:[$€£¥₽]|zł|USD|EUR)?\s?\d[\d.,]*\s?(?:[$€£¥₽]|zł|USD|EUR)?\W{0,3}$"
_DATE = (
    r"(?i)^\W{0,3}\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\W{0,4}"
    r"(?:(?:at|um|à|a las|o godz\.|в)?\s*\d{1,2}[:.h]\d{2}\W{0,3}\p{L}{0,4})?\W{0,3}$"
)
_CURRENCY = r"(?:[$€£¥₽]|zł|USD|EUR|PLN|руб\.?)"
_AMOUNTS = (
    rf"^\W*(?:{_CURRENCY}\s?\d[\d.,]*|\d[\d.,]*\s?{_CURRENCY})"
    rf"(?:\W+(?:{_CURRENCY}\s?\d[\d.,]*|\d[\d.,]*\s?{_CURRENCY})){{2,}}(?:\W+\p{{L}}+){{0,2}}\W*$"
)
_ICONS = r"(?i)^(?:\W*\b(?:f|t|x|in|p|w|g|yt|ig|fb|tw|wa|tg)\b){3,}\W*(?:\d+\W*\p{L}*)?$"
_TIMESTAMP = (
    r"(?i)\d[:h]\d{2}\b[^.!?]*$|\d\s?\p{L}+\.?\s(?:ago|temu|назад)$|"
    r"(?:^|\s)(?:vor|hace|il y a|منذ|قبل)\s\d+\s?\p{L}+\.?$"
)
SAYS = "says|sagt|schreibt|dice|dit|pisze|napisał|пишет"
"""What stands between the name of a reader and what that reader wrote."""
_READER_SAYS = (
    r"(?i)^(?:\d+[.)]\s)?[^.,!?:]{2,40}(?:\.[^.,!?:]{0,20})?\s"
    rf"(?:{SAYS}|a dit|napisała|napisał\(a\)|говорит|يقول|تقول)\s?:$"
)
_VOTE = r"(?:[^\p{L}]|\b\d+\s?(?:h|min|d|j|std|ч)\b|\b(?:il y a|hace|vor|ago|temu|назад)\b)*"
"""What stands between the buttons below a comment: bars, pictures, counts."""
_VOTES = r"^#\d{1,4}$|^[+−–▲△⬆👍♥❤-]\s?\d{1,4}(?:\s*[|/·]?\s*[+−–▼▽⬇👎-]\s?\d{1,4})?$"
_LOOKS = {
    "names_file": r"(?i)\.(?:jpe?g|png|gif|webp|svg|avif|bmp|tiff?|heic)",
    "shows_camera": "^[📷📸🎥]",
    "is_copyright": r"^\W{0,2}©[^.!?]+$",
    "is_parted": r"^[^.!?]+[/|][^/|.!?]+$",
    "holds_at": "@",
    "holds_dot_or_at": r"^\S*[.@]\S*\W*$|(?i)^e-?mail",
    "holds_mark": "[:>›»→|•·]",
    "is_amount": _AMOUNT,
    "is_date": _DATE,
    "are_amounts": _AMOUNTS,
    "are_icons": _ICONS,
    "may_be_vote": r"^[#+−–▲△⬆👍♥❤-]\s?\d",
}
_ENDS_PARTED = r"[/|©][^/|.!?]*\.?$|\svia\s[^.!?]*\.?$"


class LineRules:
    """The rules for single lines, made from a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take the words of the rules from `vocabulary`."""
        self._phrases = vocabulary.phrases
        self._appeals = AppealReader(vocabulary)
        self._captions = CaptionReader(vocabulary)
        self._any = cache(vocabulary.alternatives)

    def find(self, blocks: pl.DataFrame) -> pl.DataFrame:
        """Find signs in `blocks` (schema `BLOCKS`): a frame of schema `SIGNALS`, as many rows to a line as signs."""
        is_near_edge = (pl.col("block_no") < FIRST_LONG_LINES) | (pl.col("blocks_below") < LAST_LONG_LINES)
        lines = blocks.filter(pl.col("chars").is_between(1, LONGEST_LINE)).rename({"block": "line"})
        lines = lines.with_columns(is_asked=(pl.col("chars") <= SURE_CHARS) | is_near_edge)
        found = self._phrases.find(lines.select("id", "line", "is_asked"))
        looked_at = lines.hstack(found.kinds)
        short = _where(looked_at, looked_at["chars"] <= SHORT_LINE).with_columns(**_looks())
        signs = [
            _of_labels_only_where_short(found.matches, lines),
            *self._find_credits(short),
            *self._find_labels(short),
            *self._find_captions(_where(looked_at, looked_at["chars"] <= CAPTION_CHARS)),
            *self._find_thread_marks(_where(short, short["chars"] <= MOST_LABEL_CHARS)),
            *self._find_bylines(_where(short, short["block_no"] < BYLINE_LINES)),
            *self._find_address(_where(looked_at, looked_at["blocks_below"] < LAST_LONG_LINES)),
            *self._find_bios(_where(looked_at, looked_at["blocks_below"] < BIO_LINES)),
            self._find_appeals(looked_at),
            *(_as_caption(found) for found in self._captions.find(looked_at)),
        ]
        return pl.concat(signs).sort("id", maintain_order=True)

    def _find_appeals(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Find appeals to the reader in free wording."""
        found = self._appeals.find(lines.filter("is_asked"))
        rule = pl.when(pl.col("level") > 0).then(pl.lit(APPEAL)).otherwise(pl.lit(CUES))
        return found.select("id", "kind", rule=rule, weight=pl.max_horizontal(pl.col("level") - 2, WEAK))

    def _find_credits(self, short: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Find image files, and lines that are nothing but a credit."""
        yield _tell(_where(short, short["names_file"]), "image_file", "file_name", _IMAGE_FILE)
        label = rf"(?:{self._any('credit_label')})"
        by = r"(?:\s*(?:[:/|–—©,]|\.\.\.|…)\s*|\s+(?:by|von|par|por|da|fot\.|©|courtesy of|via|from)\s+)"
        labelled = rf"(?i)^\W{{0,3}}{label}(?:\s+{label})?{by}[^!?]+$"
        yield _tell(
            _where(short, short["credit_label"] | short["is_copyright"]), "image_credit", "labelled_credit", labelled
        )
        yield _as_signs(_where(short, short["shows_camera"]), "image_credit", "camera", SURE)
        yield _as_signs(_where(short, short["is_copyright"]), "image_credit", "copyright", SURE)
        agency = rf"(?:{self._any('image_agency')})"
        yield _tell(
            _where(short, short["image_agency"]),
            "image_credit",
            "agency_credit",
            rf"(?i)^[^.!?:;]+(?:\s*[/|©]\s*|\s+via\s+){agency}\b[^.!?]*$"
            rf"|^\W{{0,2}}{agency}(?:\s*[/|,–-]\s*|\s+via\s+)[^.!?]+$"
            rf"|^\W{{0,2}}{agency}(?:\s+(?:photo|images|file photo))?\W{{0,2}}$",
        )
        names = rf"^{_NAME}\s?[/|]\s?(?:\p{{Lu}}{{2,6}}|{_NAME})$"
        yield _tell(_where(short, short["is_parted"]), "image_credit", "name_and_desk", names)

    def _find_labels(self, short: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Find lines that are links, buttons and names of pages."""
        word = rf"(?:{self._any('share_word')}|\d+)"
        share_bar = rf"(?i)^\W*(?:{word}\W+)*(?:{self._any('network')})(?:\W+{word})*\W*$"
        yield _tell(_where(short, short["network"]), "share", "share_bar", share_bar)
        yield _as_signs(_where(short, short["are_icons"]), "share", "icons", SURE)
        yield _tell(_where(short, short["holds_at"]), "share", "handles", _HANDLES)
        link = rf"(?i)^\W{{0,4}}(?:{self._any('link_label')})\s*[:|»→›]\s*\S"
        yield _tell(_where(short, short["link_label"] & short["holds_mark"]), "related", "labelled_link", link)
        yield _tell(_where(short, short["holds_dot_or_at"]), "other_boilerplate", "address", _ADDRESS, WEAK)
        yield _tell(_where(short, short["holds_mark"]), "other_boilerplate", "trail", _TRAIL)
        section = rf"(?i)^\W{{0,3}}(?:{self._any('section')})\W{{0,3}}$"
        names = _where(short, short["section"] & (short["chars"] <= MOST_LABEL_CHARS))
        yield _tell(names, "other_boilerplate", "section_name", section, WEAK)
        yield _as_signs(_where(short, short["is_date"]), "other_boilerplate", "date_line", WEAK)
        yield _as_signs(_where(short, short["is_amount"]), "other_boilerplate", "amount", WEAK)
        yield _as_signs(_where(short, short["are_amounts"]), "other_boilerplate", "amounts", SURE)

    def _find_captions(self, lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Find lines that are marked as captions or end in a credit."""
        begins = rf"(?i)^\W{{0,3}}(?:{self._any('caption_label')})\s*[:|–—,]\s*\S"
        yield _tell(_where(lines, lines["caption_label"]), "caption", "caption_label", begins)
        label = rf"(?:{self._any('credit_label')})"
        by = r"(?:\s+(?:by|courtesy of|von|par|por))?\s*[:/©|]?\s*"
        name = rf"(?:{_NAME}|\p{{Lu}}+(?: \p{{Lu}}+)+)"
        is_labelled = lines["credit_label"] | lines["line"].str.contains("©", literal=True)
        labelled = _where(lines, is_labelled).with_columns(pl.col("line").str.tail(CREDIT_CHARS))
        for rule, sign in {
            "credit_at_end": rf"(?i)[.!?’”\"]\W*{label}(?:\s+{label})?\s*[:/©|][^!?]*$",
            "credit_and_name": rf"(?i)[.!?’”\"]\s*{label}\.?\s+(?:by\s+)?(?-i:{name})(?:\s?[/,][^.!?]*)?\.?$",
            "credit_in_brackets": rf"(?i)[(\[](?:\w+\s)?{label}{by}[^()\[\]]*[)\]]\.?$",
            "credit_behind_dash": rf"(?i)\s[–—|(/-]\s?{label}\s*[:/©][^.!?]*\.?$",
            "courtesy": rf"(?i)[.\s]{label}\s(?:by\s)?courtesy\s[^.!?]*$",
        }.items():
            yield _tell(labelled, "caption", rule, sign)
        marked = lines.filter(pl.col("line").str.contains_any(["/", "|", "©", " via "]))
        tails = marked.with_columns(pl.col("line").str.tail(CREDIT_CHARS))
        parted = tails.filter(pl.col("line").str.contains(_ENDS_PARTED))
        agency = rf"[\s(\[|–—/]\S+\s*(?:[/|]|\bvia\b)\s*(?i:{self._any('image_agency')})\b(?:\W+\p{{L}}+){{0,3}}\W*$"
        yield _tell(_where(parted, parted["image_agency"]), "caption", "agency_at_end", agency)
        yield _tell(parted, "caption", "copyright_at_end", r"[\s(\[|–—]©[^.!?]*\.?$")
        yield _tell(parted, "caption", "name_at_end", rf"(?:[.’”\"]\s*[/|]|\s/)\s*{name}(?:\s?/[^.!?]*)?$")

    def _find_thread_marks(self, marks: pl.DataFrame) -> Iterator[pl.DataFrame]:
        word = rf"(?:{self._any('thread_word')})"
        acts = rf"(?i)^{_VOTE}(?:{word}{_VOTE})+$|{_VOTES}"
        yield _tell(_where(marks, marks["thread_word"] | marks["may_be_vote"]), "comments", READER_ACTS, acts, WEAK)
        yield _tell(marks.filter(pl.col("line").str.contains(r"\d")), "comments", TIMESTAMP, _TIMESTAMP, WEAK)
        yield _tell(marks.filter(pl.col("line").str.ends_with(":")), "comments", READER_SAYS, _READER_SAYS, WEAK)

    def _find_bylines(self, first: pl.DataFrame) -> Iterator[pl.DataFrame]:
        label = rf"(?i)^\W{{0,3}}(?:{self._any('byline_label')})\.?[\s:]"
        yield _tell(_where(first, first["byline_label"]), "byline", BYLINE_LABEL, label, WEAK)
        separator = rf"(?:\s*[,;|/·•]\s*|{_AND})"
        names = rf"^{_NAME}(?:{separator}{_NAME})*$"
        yield _tell(_where(first, ~first["ends_statement"]), "byline", BARE_NAMES, names, WEAK)
        with_role = _where(first, ~first["ends_statement"] & first["bio_role"])
        yield _tell(with_role, "byline", BARE_NAMES, rf"^{_NAME}\s?[,–—-]\s[^.!?]{{3,60}}$", WEAK)

    def _find_address(self, last: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Find lines that speak to the reader or of the publisher."""
        told = _where(last, last["reader"] & (last["chars"] <= ADDRESS_CHARS))
        told = told.filter(~pl.col("line").str.contains(_QUOTED) & ~pl.col("line").str.contains(_OF_US_ALL))
        yield _tell(told, "other_boilerplate", ADDRESS, rf"(?i)(?:^|\W)(?:{self._any('reader')})(?:\W|$)", WEAK)

    def _find_bios(self, last: pl.DataFrame) -> Iterator[pl.DataFrame]:
        verbs = rf"(?:\s*\([^()]*\))?(?:\s*[,:—–-]|\s+(?:{self._any('bio_verb')})\s)"
        heads = _where(last, last["bio_role"]).with_columns(pl.col("line").str.head(HEAD_CHARS))
        begins = rf"^\W{{0,4}}(?:{_NAME}(?:{_AND}{_NAME})?{verbs}|{_CASELESS_NAME})"
        yield _tell(heads, "author_bio", NAME_AND_ROLE, begins, WEAK)


def _where(lines: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    return lines.filter(mask) if mask.any() else lines.clear()


def _looks() -> dict[str, pl.Expr]:
    """Cheap looks at each line, all at once: what dear expressions cannot do without."""
    return {look: pl.col("line").str.contains(sign) for look, sign in _LOOKS.items()}


def _of_labels_only_where_short(matches: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Leave out phrases of labels in sentences that are long for one; phrases by kinds of spans."""
    sentences = lines.filter(pl.col("ends_sentence") & (pl.col("chars") > MOST_LABEL_CHARS)).select("id")
    of_labels = pl.col("kind").is_in(sorted(LABEL_KINDS)) & (pl.col("weight") < SURE)
    kept = pl.concat([matches.filter(~of_labels), matches.filter(of_labels).join(sentences, on="id", how="anti")])
    return kept.with_columns(pl.col("kind").replace(PHRASE_KINDS))


def _tell(lines: pl.DataFrame, kind: str, rule: str, sign: str, weight: int = SURE) -> pl.DataFrame:
    """Find lines in which an expression is found; where there are none, it need not be compiled, which takes 5 ms."""
    if lines.is_empty():
        return pl.DataFrame(schema=SIGNALS)
    return _as_signs(lines.filter(pl.col("line").str.contains(sign)), kind, rule, weight)


def _as_caption(found: pl.DataFrame) -> pl.DataFrame:
    weight = pl.when(pl.col("rule") == PERSON_IN_BRACKETS).then(POSSIBLE).otherwise(LIKELY)
    return found.select("id", kind=pl.lit("caption"), rule="rule", weight=weight.cast(pl.Int64))


def _as_signs(lines: pl.DataFrame, kind: str, rule: str, weight: int) -> pl.DataFrame:
    return lines.select("id", kind=pl.lit(kind), rule=pl.lit(rule), weight=pl.lit(weight, pl.Int64))

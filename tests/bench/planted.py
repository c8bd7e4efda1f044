"""News with planted near-copies, for benchmarks that have to know which texts are copies of which.

One text in ten is an altered copy of another, each of a different one: a paragraph replaced, 2 % of the words changed,
a footer appended, another headline on top, or cut to 60 %. Only texts of five paragraphs and 120 words or more are
copied, as less would not be left a copy.

Up to 20,000 texts are a sample of real news in English, Sinhala and Tamil, among which some are copies in truth. More
than that are recombined: each sentence is drawn from anywhere in the news of one language, so that two texts share a
sentence or two at most. Each 100,000 of these have an alphabet of their own (the letters of a language exchanged among
each other), as a sentence of the news does not stand in ten times as many texts where there are ten times as many.
All of it is drawn with seeds: every machine measures the same texts.
"""

import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 20260311
COPY_SHARE = 0.1
OF_ONE_ALPHABET = 100_000
CHUNK = 10_000  # texts recombined and shuffled at a time, the copies of a text being in its chunk
MIN_PARAGRAPHS, MIN_WORDS = 5, 120  # of a text that is copied
SENTENCE_WORDS, SENTENCE_BYTES = 5, 600  # at least and at most, to be recombined
SENTENCES = 3  # of a recombined paragraph
CUT_TO = 0.6
CHANGED_WORDS = 0.02
REPLACED_AT_MOST = 0.25  # of the words of the text
FOOTERS = (
    "Follow us on Facebook, X and WhatsApp for breaking news, and write to the newsroom if you know more of this.",
    "This article first appeared in the print edition. Reproduction in whole or in part needs our written consent.",
    "Get the morning briefing in your inbox every day at six: the stories that matter, the weather and the puzzle.",
)

SCHEMA = pa.schema([("text", pa.string()), ("origin", pa.uint32()), ("kind", pa.string())])
"""`origin` numbers the originals and is the same in a text and in its copy; `kind` is null in an original."""


@dataclass(frozen=True)
class News:
    """Real articles, and what they are made of."""

    texts: list[str]
    headlines: list[str]
    sentences: dict[str, list[str]]  # by language


def read_news(path: Path) -> News:
    """Read articles that have `text`, `description` (the headline) and `lang`."""
    articles = pl.read_parquet(path, columns=["text", "description", "lang"])
    sentences = (
        articles.select("lang", sentence=pl.col("text").str.replace_all(r"([.!?])\s+", "$1\n").str.split("\n"))
        .explode("sentence")
        .with_columns(pl.col("sentence").str.strip_chars())
        .filter(
            pl.col("sentence").str.count_matches(r"\S+") >= SENTENCE_WORDS,
            pl.col("sentence").str.len_bytes() <= SENTENCE_BYTES,
        )
        .unique("sentence", keep="first", maintain_order=True)
    )
    by_language = sentences.group_by("lang").agg("sentence").sort("lang")
    return News(
        texts=articles["text"].to_list(),
        headlines=articles["description"].to_list(),
        sentences=dict(by_language.iter_rows()),
    )


def write_sampled(path: Path, count: int, news: News) -> Path:
    """Write real articles, and copies of them."""
    rng = random.Random(SEED)  # noqa: S311 -- text, not secrets
    originals = rng.sample(news.texts, count - round(count * COPY_SHARE))
    return _write(path, [with_copies(originals, count - len(originals), rng, news)])


def write_recombined(path: Path, count: int, news: News, *, text_bytes: int) -> Path:
    """Write articles of about as many bytes as asked for, and copies of them; the memory needed is that of a chunk."""
    rng = random.Random(SEED)  # noqa: S311 -- text, not secrets
    return _write(path, recombined_chunks(count, news, rng, text_bytes))


def _write(path: Path, chunks: Iterator[list[tuple]] | Sequence[list[tuple]]) -> Path:
    origins = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for rows in chunks:
            texts, numbers, kinds = zip(*rows, strict=True)
            columns = [list(texts), [origins + number for number in numbers], list(kinds)]
            writer.write_table(pa.table(columns, schema=SCHEMA))
            origins += len(rows)
    return path


def recombined_chunks(count: int, news: News, rng: random.Random, text_bytes: int) -> Iterator[list[tuple]]:
    sizes = {language: sum(len(text.encode()) for text in texts) for language, texts in news.sentences.items()}
    sentences = {language: round(text_bytes * len(news.sentences[language]) / sizes[language]) for language in sizes}
    for start in range(0, count, CHUNK):
        if start and start % OF_ONE_ALPHABET == 0:
            news = _exchange_letters(news, rng)
        rows = min(CHUNK, count - start)
        languages = rng.choices(list(sizes), list(sizes.values()), k=rows - round(rows * COPY_SHARE))
        originals = [_recombined(rng.choices(news.sentences[name], k=sentences[name])) for name in languages]
        yield with_copies(originals, rows - len(originals), rng, news)


def _exchange_letters(news: News, rng: random.Random) -> News:
    """Exchange the letters of each language among each other, if they are small ones, or of no case, and as long."""
    exchanged = {}
    for language, sentences in news.sentences.items():
        text = "\n".join(sentences)
        letters = sorted(set(text))
        kinds = sorted({(unicodedata.category(x), len(x.encode())) for x in letters})
        alphabets = [
            [x for x in letters if (unicodedata.category(x), len(x.encode())) == kind]
            for kind in kinds
            if kind[0] in {"Ll", "Lo"}
        ]
        others = [rng.sample(alphabet, len(alphabet)) for alphabet in alphabets]
        table = str.maketrans("".join(chain(*alphabets)), "".join(chain(*others)))
        exchanged[language] = text.translate(table).split("\n")
    return replace(news, sentences=exchanged)


def _recombined(sentences: list[str]) -> str:
    return "\n\n".join(" ".join(sentences[start : start + SENTENCES]) for start in range(0, len(sentences), SENTENCES))


def with_copies(originals: Sequence[str], copies: int, rng: random.Random, news: News) -> list[tuple]:
    """Return rows of SCHEMA in any order, with copies of as many different originals, each kind equally often."""
    fit = [number for number, text in enumerate(originals) if is_long_enough(text)]
    rows = [(text, number, None) for number, text in enumerate(originals)]
    for place, number in enumerate(rng.sample(fit, copies)):
        kind = list(KINDS)[place % len(KINDS)]
        rows.append((KINDS[kind](originals[number], rng, news), number, kind))
    rng.shuffle(rows)
    return rows


def is_long_enough(text: str) -> bool:
    """Tell whether copies of all kinds can be made of a text."""
    return len(_paragraphs(text)) >= MIN_PARAGRAPHS and len(text.split()) >= MIN_WORDS


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]


def _replace_paragraph(text: str, rng: random.Random, news: News) -> str:
    paragraphs = _paragraphs(text)
    words = [len(paragraph.split()) for paragraph in paragraphs]
    place = rng.choice([place for place, count in enumerate(words) if count <= REPLACED_AT_MOST * sum(words)])
    other = rng.choice(_paragraphs(rng.choice(news.texts))).split()
    paragraphs[place] = " ".join(other[: words[place]])
    return "\n\n".join(paragraphs)


def _change_words(text: str, rng: random.Random, news: News) -> str:
    words = re.split(r"(\s+)", text)  # words at even places
    places = range(0, len(words), 2)
    for place in rng.sample(places, round(len(places) * CHANGED_WORDS)):
        words[place] = rng.choice(rng.choice(news.headlines).split())
    return "".join(words)


def _append_footer(text: str, rng: random.Random, news: News) -> str:  # noqa: ARG001 -- one signature for all kinds
    return f"{text}\n\n{rng.choice(FOOTERS)}"


def _put_headline(text: str, rng: random.Random, news: News) -> str:
    return f"{rng.choice(news.headlines)}\n\n{text}"


def _cut(text: str, rng: random.Random, news: News) -> str:  # noqa: ARG001 -- one signature for all kinds
    words = re.split(r"(\s+)", text)
    return "".join(words[: int(len(words) * CUT_TO)]).rstrip()


KINDS: dict[str, Callable[[str, random.Random, News], str]] = {
    "paragraph": _replace_paragraph,
    "words": _change_words,
    "footer": _append_footer,
    "headline": _put_headline,
    "cut": _cut,
}

"""Made-up articles for benchmarks: English words in sentences, paragraphs of news length, five kilobytes each.

Sentences are drawn from the words of a small vocabulary with a seeded generator, so that every machine measures the
same bytes. One article in twenty is an exact copy of an earlier one.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

SEED = 20260102
COPY_SHARE = 0.05
PARAGRAPHS = 12
SENTENCES = 4  # of a paragraph

_WORDS = (
    "the of and to in a that is was for on with as by at from it be this which or an are not were their has have "
    "government minister council city people report year policy water bridge school court party market price energy "
    "country public state new law health work trade border election vote tax plan company bank money industry road "
    "hospital climate river farm food union worker study figure rate growth budget reform official agency president "
    "said told asked wrote argued warned expected agreed refused decided began closed opened built sold paid raised "
    "between after before during against without under over more most many some few other first last early late "
    "local national foreign private common large small long short high low strong weak open clear recent former"
).split()


def articles(count: int) -> Iterator[dict[str, str]]:
    """Yield records with `id`, `title`, `url`, `date`, `author` and `body`."""
    rng = random.Random(SEED)  # noqa: S311 -- text, not secrets
    bodies: list[str] = []
    for number in range(count):
        if bodies and rng.random() < COPY_SHARE:
            body = rng.choice(bodies)
        else:
            body = "\n\n".join(_paragraph(rng) for _ in range(PARAGRAPHS))
            if len(bodies) < 1_000:
                bodies.append(body)
        yield {
            "id": f"n{number}",
            "title": _sentence(rng).rstrip("."),
            "url": f"https://news.example/{number}?utm_source=feed",
            "date": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T08:{number % 60:02}:00+01:00",
            "author": f"{rng.choice(_WORDS).title()} {rng.choice(_WORDS).title()}",
            "body": body,
        }


def _paragraph(rng: random.Random) -> str:
    return " ".join(_sentence(rng) for _ in range(SENTENCES))


def _sentence(rng: random.Random) -> str:
    words = rng.choices(_WORDS, k=rng.randint(12, 24))
    return f"{words[0].title()} {' '.join(words[1:])}."


def write_json_lines(path: Path, count: int) -> Path:
    """Write articles as one file of JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(article) + "\n" for article in articles(count))
    return path


def write_text_files(folder: Path, count: int) -> Path:
    """Write articles as plain text, a file each."""
    folder.mkdir()
    for number, article in enumerate(articles(count)):
        (folder / f"{number:06}.txt").write_text(f"{article['title']}\n\n{article['body']}\n", "utf-8")
    return folder

"""Figures and digests of a body: length, words, identity, and the key that exact copies share.

The match key is the SHA-256 of the body's letters and digits alone, normalized to NFKC and case-folded, so that copies
which differ in quotes, dashes, spacing, line breaks or case are equal. The vowel signs that Tamil, Hindi and their
like write as marks are letters here (Unicode's property Alphabetic): without them different words would be equal. A
body without any letter or digit is its own key.

A word is what stands between white space and holds a letter or digit; in scripts that put no space between words,
each letter counts as one.
"""

import hashlib

import polars as pl

# Scripts that put no space between words.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[{_UNSPACED}&&\p{{L}}]|[^\s{_UNSPACED}]*[[\p{{L}}\p{{N}}]--[{_UNSPACED}]][^\s{_UNSPACED}]*"
_NOT_IN_KEY = r"[^\p{Alphabetic}\p{N}]+"

# The same for bytes of plain texts, at a quarter of the cost: letters and digits, white space, and the rest to drop.
_LETTERS_AND_DIGITS = bytes(code for code in range(128) if chr(code).isalnum())
_SPACES = b" \n"
_PLAIN_CLASSES = bytes.maketrans(_LETTERS_AND_DIGITS + _SPACES, b"a" * len(_LETTERS_AND_DIGITS) + b"  ")
_NOT_IN_PLAIN_KEY = bytes(code for code in range(256) if code not in _LETTERS_AND_DIGITS)
_NOT_IN_PLAIN_WORD = bytes(code for code in _NOT_IN_PLAIN_KEY if code not in _SPACES)

_HASHED = pl.Schema({"word_count": pl.Int64(), "body_sha256": pl.String(), "match_key": pl.String()})
DIGESTS = pl.Schema({"body_chars": pl.Int64(), **_HASHED})


def digest_bodies(bodies: pl.Series, *, is_beyond_plain: pl.Series) -> pl.DataFrame:
    """Measure clean bodies: a frame of schema `DIGESTS`, row for row; null bodies have no digests and no length.

    Bodies that are not beyond plain are counted and folded as bytes.
    """
    body = pl.col("body")
    beyond_plain = pl.DataFrame({"body": bodies, "is_beyond_plain": is_beyond_plain}).select(
        pl.when("is_beyond_plain").then(body)
    )
    measured = beyond_plain.select(words=body.str.count_matches(_WORD), letters=_fold(body))
    digests = _hash_bodies(bodies, *measured)
    return digests.with_columns(body_chars=bodies.str.len_chars().fill_null(0).cast(pl.Int64)).select(DIGESTS.names())


def _fold(text: pl.Expr) -> pl.Expr:
    """Letters and digits of a text, case-folded: lower case of upper case makes ss of ß and one sigma of two."""
    letters = text.str.normalize("NFKC").str.replace_all(_NOT_IN_KEY, "")
    return letters.str.to_uppercase().str.to_lowercase()


def _hash_bodies(bodies: pl.Series, words: pl.Series, letters: pl.Series) -> pl.DataFrame:
    """Hash bodies and their letters; `words` and `letters` are null where a body is plain.

    Python per row, as no column function hashes: 0.03 ms for 5,000 characters.
    """
    rows = [
        (0, None, None) if body is None else _digest(body, words_of_body, letters_of_body)
        for body, words_of_body, letters_of_body in zip(
            bodies.cast(pl.Binary).to_list(), words.to_list(), letters.to_list(), strict=True
        )
    ]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pl.DataFrame(dict(zip(_HASHED, columns, strict=True)), schema=_HASHED)


def _digest(body: bytes, words: int | None, letters: str | None) -> tuple[int, str, str]:
    if words is None or letters is None:
        words, key = _read_plain(body)
    else:
        key = letters.encode()
    return words, hashlib.sha256(body).hexdigest(), hashlib.sha256(key or body).hexdigest()


def _read_plain(body: bytes) -> tuple[int, bytes]:
    """Count the words of a plain body, where a letter or digit follows white space, and fold it."""
    classes = body.translate(_PLAIN_CLASSES, _NOT_IN_PLAIN_WORD)
    words = classes.count(b" a") + classes.startswith(b"a")
    return words, body.lower().translate(None, _NOT_IN_PLAIN_KEY)

"""Word 3-shingles in plain Python, for peers that leave shingling to others and for exact Jaccard similarity."""

SHINGLE_WORDS = 3


def shingles(text: str) -> set[str]:
    """Return all runs of three words, in lower case; of a shorter text, the whole of it."""
    words = text.lower().split()
    return {" ".join(words[start : start + SHINGLE_WORDS]) for start in range(max(1, len(words) - SHINGLE_WORDS + 1))}


def jaccard(left: str, right: str) -> float:
    """Return the share of the shingles of both that both have."""
    one, other = shingles(left), shingles(right)
    return len(one & other) / len(one | other)

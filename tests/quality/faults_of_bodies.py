"""Faults of bodies: what stands there instead of a text."""

from clean_drops import Row
from fault_kinds import Extent, Fate, Kind, Scene, codes
from right_codes import ALIKE, BROKEN_TEXT, HELD_BACK, SHORT

BLOCK_PAGES = (
    "Access Denied\n\nYou don't have permission to access this page on this server.\n\nReference #18.4d2f1202.{number}",
    "Please enable JavaScript and cookies to continue.\n\nChecking your browser before you proceed. Ray ID: {number}",
    "Are you a robot?\n\nPlease complete the CAPTCHA below to prove that you are human, then continue to the page.",
)
PAYWALL = (
    "This article is for subscribers only.\n\nSubscribe now to continue reading. Already a subscriber? Log in.\n\n"
    "Get unlimited access for just LKR 99 a month. Cancel anytime."
)
STUBS = (
    "Full story to follow shortly.",
    "More details to come on this developing story.",
    "See the video above for the report.",
    "Photo gallery: scroll for pictures.",
)
LOREM = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna "
    "aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat"
).split()
CODE = (
    "  const r{n} = await fetch(`/api/v2/items/${{id}}?page={n}`); if (!r{n}.ok) {{ throw new Error(r{n}.status); }}\n"
)


def empty(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.rng.choice(["", "   ", "\n\n"]))


def blank_file(_: bytes, scene: Scene) -> bytes:
    """Leave blank lines, of another number in each: files of the same bytes are one drop."""
    return b"\r\n" * scene.rng.randint(1, 9_999)


def stub(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.rng.choice(STUBS))


def block_page(row: Row, scene: Scene) -> Row:
    text = scene.rng.choice(BLOCK_PAGES).format(number=scene.rng.randint(10**8, 10**9))
    return scene.put(row, headline=text.split("\n")[0], body=text)


def paywall_only(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=PAYWALL)


def headline_as_body(row: Row, scene: Scene) -> Row:
    return scene.put(row, body=scene.get(row, "headline"))


def binary_body(row: Row, scene: Scene) -> Row:
    """Give a picture where a text should be, decoded as if it were one."""
    return scene.put(row, body="\x89PNG\r\n\x1a\n" + scene.rng.randbytes(1_500).decode("latin-1"))


def lorem_ipsum(row: Row, scene: Scene) -> Row:
    sentences = [" ".join(scene.rng.choices(LOREM, k=12)).capitalize() + "." for _ in range(12)]
    return scene.put(row, body="\n\n".join(" ".join(sentences[at : at + 3]) for at in range(0, 12, 3)))


def word_salad(row: Row, scene: Scene) -> Row:
    """Shuffle the words of some articles into each other, without those that hold a sentence together."""
    texts = [scene.body(row), *(scene.body(scene.other(row)) for _ in range(2))]
    words = [word for text in texts for word in text.split() if len(word) > 4]
    scene.rng.shuffle(words)
    return scene.put(row, body=" ".join(words[: len(scene.body(row).split())]))


def code_for_text(row: Row, scene: Scene) -> Row:
    return scene.put(row, body="".join(CODE.format(n=scene.rng.randint(1, 999)) for _ in range(15)))


def table_for_text(row: Row, scene: Scene) -> Row:
    rng = scene.rng
    lines = [
        f"| {rng.choice('ABCDEF')}{rng.randint(1, 99)} | {rng.uniform(0, 500):.2f} | {rng.uniform(-9, 9):+.1f}% |"
        for _ in range(40)
    ]
    return scene.put(row, body="\n".join(lines))


KINDS = (
    Kind(
        "empty bodies",
        "wire",
        Extent.RECORDS,
        empty,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {SHORT} volume_change"),
        "There is no text.",
    ),
    Kind(
        "empty text files",
        "texts",
        Extent.FILES,
        blank_file,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {SHORT} no_records volume_change"),
        "There is no text.",
    ),
    Kind(
        "stubs",
        "wire",
        Extent.RECORDS,
        stub,
        Fate.EITHER,
        codes(f"{HELD_BACK} {SHORT} {ALIKE} headline_mismatch flagged_share_change"),
        "A sentence may be a news flash; the same few on many records are not.",
    ),
    Kind(
        "block pages",
        "wire",
        Extent.RECORDS,
        block_page,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {SHORT} block_page"),
        "What the site said instead is no article.",
    ),
    Kind(
        "block pages as HTML",
        "pages",
        Extent.RECORDS,
        block_page,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {SHORT} block_page malformed_html"),
        "As above.",
    ),
    Kind(
        "paywall alone",
        "wire",
        Extent.RECORDS,
        paywall_only,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {SHORT} block_page"),
        "As above.",
    ),
    Kind(
        "headline for a body",
        "api",
        Extent.RECORDS,
        headline_as_body,
        Fate.EITHER,
        codes(f"{HELD_BACK} {SHORT} unfinished_share_change truncated_body flagged_share_change"),
        "A headline is no text; a flash may consist of it.",
    ),
    Kind(
        "binary bodies",
        "wire",
        Extent.RECORDS,
        binary_body,
        Fate.EITHER,
        codes(f"{HELD_BACK} {BROKEN_TEXT}"),
        "A picture is no text; half its bytes are letters of Latin-1.",
    ),
    Kind(
        "lorem ipsum",
        "wire",
        Extent.RECORDS,
        lorem_ipsum,
        Fate.EITHER,
        codes(
            "unlike_language language_mix_change language_fill_rate_change language_mismatch headline_mismatch "
            "flagged_share_change not_prose quarantined_share_change"
        ),
        "It is prose by its looks, and nobody's.",
    ),
    Kind(
        "word salad",
        "wire",
        Extent.RECORDS,
        word_salad,
        Fate.EITHER,
        codes(
            "unlike_language language_fill_rate_change headline_mismatch unfinished_share_change truncated_body "
            "flagged_share_change not_prose quarantined_share_change language_mix_change body_length_change"
        ),
        "As above.",
    ),
    Kind(
        "code for text",
        "wire",
        Extent.RECORDS,
        code_for_text,
        Fate.EITHER,
        codes(f"many_symbols headline_mismatch unlike_language flagged_share_change {ALIKE} {HELD_BACK}"),
        "Code is no article, but may stand in one.",
    ),
    Kind(
        "tables for text",
        "export",
        Extent.RECORDS,
        table_for_text,
        Fate.EITHER,
        codes(
            f"many_symbols headline_mismatch unlike_language flagged_share_change language_mix_change {HELD_BACK} "
            "language_fill_rate_change language_mismatch"
        ),
        "Figures without words are no prose; some results are reported so.",
    ),
)

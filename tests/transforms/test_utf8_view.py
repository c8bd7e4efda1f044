"""The UTF-8 view of a drop, and the way back."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import utf8_view
from transforms.utf8_view import Utf8View

ENCODINGS = ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"]


@given(st.text(max_size=200), st.sampled_from(ENCODINGS), st.booleans(), st.data())
def test_every_position_leads_back_to_its_bytes(text: str, encoding: str, has_mark: bool, data: st.DataObject) -> None:
    mark = "\ufeff" if has_mark else ""
    text = text.removeprefix("\ufeff")
    drop = (mark + text).encode(encoding)
    view = Utf8View(io.BytesIO(drop), encoding=encoding)
    assert b"".join(view.chunks()) == text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    for cut in cuts:
        place = view.position(len(text[:cut].encode()))
        assert drop[:place].decode(encoding) == mark + text[:cut]


@pytest.mark.parametrize("encoding", ["utf-16-le", "cp1252", "cp932"])
def test_positions_hold_over_many_chunks(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8_view, "CHUNK_BYTES", 7)
    text = "ab\n" * 30 if encoding == "cp932" else "aé\n" * 30
    drop = text.encode(encoding)
    view = Utf8View(io.BytesIO(drop), encoding=encoding)
    assert b"".join(view.chunks()).decode() == text
    for cut in range(0, len(text), 4):
        assert drop[: view.position(len(text[:cut].encode()))].decode(encoding) == text[:cut]


def test_what_does_not_fit_becomes_a_replacement_character() -> None:
    view = Utf8View(io.BytesIO(b"a\x00\x00\xd8b\x00"), encoding="utf-16-le")
    assert b"".join(view.chunks()).decode() == "a\ufffdb"

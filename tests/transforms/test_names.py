"""Names that several things share are told apart, and none takes another's."""

from hypothesis import given
from hypothesis import strategies as st

from transforms.csv_dialect import column_names
from transforms.names import distinct_names

names = st.lists(st.sampled_from(["a", "a_1", "a_2", "a_2_2", "b", ""]), max_size=20)


@given(names, st.sets(st.sampled_from(["a", "a_2", "c"])), st.integers(1, 2))
def test_every_name_is_its_own(given_names: list[str], taken: set[str], first: int) -> None:
    distinct = distinct_names(given_names, pattern="{name}_{number}", first=first, taken=taken)
    assert len(distinct) == len(given_names)
    assert len({*distinct, *taken}) == len(distinct) + len(taken)
    for name in set(given_names) - taken:
        assert distinct[given_names.index(name)] == name, "the first keeps it"


def test_names_that_look_numbered_are_left_alone() -> None:
    assert distinct_names(["tag", "tag (2)", "tag"], pattern="{name} ({number})") == ["tag", "tag (2)", "tag (3)"]


def test_a_header_of_one_name_takes_no_longer_by_its_length() -> None:
    assert column_names(["title"] * 200_000, 200_000)[-1] == "title_200000"

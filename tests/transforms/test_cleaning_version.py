"""The version of the cleaning rules is raised whenever some text comes out otherwise."""

from cleaning_digests import digests, read_kept

from transforms.cleaning import CLEANING_VERSION


def test_what_cleaning_makes_of_a_fixed_corpus_belongs_to_its_version() -> None:
    kept, found = read_kept(), digests()
    assert {name for name in found if found[name] != kept["digests"].get(name)} == set(), (
        "Cleaning has changed: raise the version (CLEANING_VERSION in transforms/cleaning.py), so that "
        "`copydesk rebuild --only text` finds what is older; then run tests/quality/cleaning_digests.py."
    )
    assert kept["version"] == CLEANING_VERSION, "The version was raised: run tests/quality/cleaning_digests.py."

"""What is found in real pages, here in every third, is as good as it was, and no worse than by trafilatura."""

from pathlib import Path

from extraction import find_faults, measure_extraction


def test_pages_are_taken_apart_no_worse_than_before_and_than_by_trafilatura(shared_data: Path) -> None:
    measured = measure_extraction(shared_data / "extraction", every=3)
    assert find_faults(measured, least_f1=0.915) == []

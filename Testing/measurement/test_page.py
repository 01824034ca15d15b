"""The page of measurements has the definitions that the code has."""

from measurement_errors import terms


def test_the_definitions_on_the_page_are_those_of_the_code(root):
    page = (root / "docs/measurements.md").read_text()
    assert terms() in page, "print them anew: python Testing/studies/measurement_errors.py terms"

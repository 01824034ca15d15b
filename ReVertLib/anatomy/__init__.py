"""The vertebra-shaped template, its means and its landmarks."""

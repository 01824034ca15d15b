"""Data sets of DRRs and surfaces, in the original's layout."""

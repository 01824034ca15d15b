"""The module's panel, a file for each section."""

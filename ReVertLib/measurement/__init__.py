"""Lengths and angles of vertebrae, each with its expected error."""

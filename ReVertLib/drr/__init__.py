"""Radiographs computed from CTs."""

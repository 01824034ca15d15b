"""Weights measured on a data set: tables, figures, a page."""

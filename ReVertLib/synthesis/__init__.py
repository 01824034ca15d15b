"""Synthetic vertebrae and patients, and what they are made of."""

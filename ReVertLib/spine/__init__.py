"""A whole film: its vertebrae together, in one camera frame."""

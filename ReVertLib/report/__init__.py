"""Reconstructions as a page to read: pictures, verdicts and figures, without anybody's name."""

"""Teaching finished weights what error to expect."""

"""Words and tokens of free text and of captions."""

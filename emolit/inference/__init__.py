"""A trained checkpoint is asked about recordings: from Python, and for `emolit predict`."""

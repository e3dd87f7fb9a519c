"""Sound made by code for `Synthetic`: signals, voices, acting."""

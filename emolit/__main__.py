"""``python -m emolit``."""

from emolit.cli import main

main()

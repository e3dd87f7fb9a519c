"""The corpus that a subcommand is about, from ``--data`` and its options."""

import sys
from typing import Any

from emolit.commands.parsing import Parser, own_error
from emolit.commands.shelves import discover
from emolit.commands.shipped import find_all
from emolit.corpora import Corpus


def corpus_parser(prog: str, about: str) -> Parser:
    """Return a parser that knows every corpus by its short name."""
    discover()
    parser = Parser(prog=prog, description=about)
    parser.add_subclass_arguments(Corpus, "data", required=True)
    return parser


def read_corpus(parser: Parser, arguments: list[str]) -> tuple[Corpus, Any]:
    """Return the corpus, not yet set up, and all that was given.

    Raises:
        SystemExit: With status 2, after a sentence: the corpus refuses its settings.
    """
    given = parser.parse_args(find_all(arguments))
    try:
        corpus: Corpus = parser.instantiate(given).data
    except ValueError as error:  # what a corpus says against its settings comes as one
        told = own_error(error)
        if told is None:
            raise
        sys.stderr.write(f"error: {told}\n")
        raise SystemExit(2) from error
    return corpus, given

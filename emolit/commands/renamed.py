"""Names that YAML had before, and what they are called now: said where an old one is used."""

MODULES = {
    "asking": "prompts.variation",
    "confidence": "evaluators.confidence",
    "encoder": "judges.encoder",
    "endpoint": "judges.chat_endpoint",
    "extractor": "judges.word_extractor",
    "functional": "rl.functional",
    "guard": "judges.guard",
    "kl": "rl.kl",
    "lexicon": "affect.lexicon",
    "loading": "data.dataset",
    "packaged_lexicon": "affect.packaged_lexicon",
    "released_tables": "affect.released_tables",
    "schedule": "rl.schedule",
    "similarity": "affect.similarity",
    "taxonomy": "affect.taxonomy",
    "thoughts": "prompts.rationales",
    "wheel_score": "affect.wheel_score",
}
"""Modules below ``emolit`` whose classes configs name by their path."""
CLASSES = {
    "Asking": "PromptVariation",
    "Loading": "LoaderSettings",
    "Thoughts": "Rationales",
}
ARGUMENTS = {"asking": "variation", "thoughts": "rationales", "whole": "all_test"}


def new_class(path: str) -> str | None:
    """Return what a class is called now; None if it was not renamed.

    Example:
        >>> new_class("emolit.loading.Loading"), new_class("Asking")
        ('emolit.data.dataset.LoaderSettings', 'PromptVariation')
        >>> new_class("emolit.rewards.correct.Correct")
    """
    head, dot, last = path.rpartition(".")
    module = head.removeprefix("emolit.")
    if head.startswith("emolit.") and module in MODULES:
        head = f"emolit.{MODULES[module]}"
    now = f"{head}{dot}{CLASSES.get(last, last)}"
    return None if now == path else now


def new_option(name: str) -> str | None:
    """Return what an option is called now; None if none of its arguments was renamed.

    Example:
        >>> new_option("prompt.init_args.asking.transcript")
        'prompt.init_args.variation.transcript'
    """
    now = ".".join(ARGUMENTS.get(part, part) for part in name.split("."))
    return None if now == name else now

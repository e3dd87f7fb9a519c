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
NAMES = {
    "Asking": "PromptVariation",
    "Loading": "LoaderSettings",
    "Thoughts": "Rationales",
    "asking": "variation",
    "backoff": "retries",
    "thoughts": "rationales",
    "whole": "all_test",
}
"""Classes and arguments."""


def new_name(name: str) -> str | None:
    """Return what a class path or an argument is called now; None if it was not renamed.

    Example:
        >>> new_name("emolit.loading.Loading"), new_name("prompt.init_args.asking")
        ('emolit.data.dataset.LoaderSettings', 'prompt.init_args.variation')
        >>> new_name("emolit.rewards.correct.Correct")
    """
    head, dot, last = name.rpartition(".")
    module = head.removeprefix("emolit.")
    if head.startswith("emolit.") and module in MODULES:
        head = f"emolit.{MODULES[module]}"
    now = f"{head}{dot}{NAMES.get(last, last)}"
    return None if now == name else now

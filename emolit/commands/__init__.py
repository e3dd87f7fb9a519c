"""What the command `emolit` does beside Lightning's subcommands, and how it reads its line."""

TRAINER = {
    "fit": "train, validate, and keep the best weights",
    "validate": "score a checkpoint on validation clips",
    "test": "score a checkpoint on test clips",
    "predict": "ask a checkpoint about recordings (--checkpoint), or run a config",
}
"""Subcommands that run Lightning's trainer: what each does."""
COMMANDS = {
    "completion": "print completions for bash or zsh",
    "cross": "test several checkpoints on several corpora: a matrix with intervals and tests",
    "demo": "show a page in the browser on which to try a checkpoint",
    "describe": "show what a corpus holds, and check its release",
    "doctor": "check this machine",
    "explain": "show the classes that YAML can name, and their arguments",
    "export": "make a folder of a checkpoint that others can use, with a model card",
    "listen": "ask whether a checkpoint listens: silence, other sound, other words",
    "reason": "write reasoning for a corpus, for prompts that think",
    "report": "write one HTML file about runs: curves, scores, tests, answers, sound",
    "results": "make tables of finished sweeps, with intervals and tests",
    "sweep": "run the arms, seeds and folds of an experiment",
    "table": "put the tests of several runs into one table",
    "unibench": "print the table of MER-UniBench",
}
"""The others."""
ELSEWHERE = {
    "train": "fit",
    "finetune": "fit",
    "resume": "fit",
    "evaluate": "test",
    "infer": "predict",
    "serve": "demo",
}
"""What other tools call a subcommand, and what it is here."""

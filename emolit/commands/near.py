"""Names that are near to one that is not there."""

from collections.abc import Iterable
from difflib import get_close_matches

FEW = 24
"""How many names are listed at most."""
ELSEWHERE = {
    "train": "fit",
    "finetune": "fit",
    "resume": "fit",
    "evaluate": "test",
    "infer": "predict",
    "serve": "demo",
    "beta": "model.objective.kl",
    "epochs": "trainer.max_epochs",
    "learning_rate": "model.optimizer.lr",
    "lr": "model.optimizer.lr",
    "num_generations": "model.group_size",
    "num_train_epochs": "trainer.max_epochs",
    "output_dir": "trainer.default_root_dir",
    "per_device_train_batch_size": "data.loading.batch_size",
    "resume_from_checkpoint": "ckpt_path",
    "seed": "seed_everything",
}
"""What readers of other tools type, and what it is here."""


def meant(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: the names that are near, and all if they are few.

    Example:
        >>> meant("max_epoch", ["max_epochs", "min_epochs"])
        "; did you mean 'max_epochs'? There are: max_epochs, min_epochs."
        >>> meant("train", ["fit", "test"])
        "; did you mean 'fit'? There are: fit, test."
    """
    names = sorted(set(known))
    dashes, word = name[: len(name) - len(name.lstrip("-"))], name.lstrip("-")
    here = [f"{dashes}{ELSEWHERE[word]}"] if word in ELSEWHERE else []
    begun = [other for other in names if other.startswith(name)]
    near = (here or begun or get_close_matches(name, names, 3))[:3]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return hint + (f" There are: {', '.join(names)}." if 0 < len(names) <= FEW else "")

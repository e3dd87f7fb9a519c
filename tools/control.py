"""The demo's control: supervised finetuning continued for as long as GRPO took.

Three learning rates are tried (``--rates`` names others, or one that another seed has chosen); the
one with the best validation score is tested. Nothing is chosen on test data.

    python tools/control.py runs/demo --configs configs/experiments/demo --seed 0
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

RATES = (3e-4, 1e-3, 2e-3)
CHECKPOINT = "--model.init_args.policy.init_args.checkpoint"


def emolit(*arguments: object) -> None:
    """Run a subcommand in a process of its own; stop if it fails."""
    subprocess.run([sys.executable, "-m", "emolit", *map(str, arguments)], check=True)


def fit_report(folder: Path) -> dict[str, float | None]:
    """Return what a training run wrote about itself: seconds and the best validation score."""
    report: dict[str, float | None] = json.loads((folder / "fit.json").read_text())
    return report


def best_score(folder: Path) -> float:
    """Return the best validation score of a training run; stop if it never came to one."""
    score = fit_report(folder)["best_score"]
    if score is None:
        raise SystemExit(
            f"The run in {folder} has no validation score: its time ended before the first "
            "validation. Validate more often with --trainer.val_check_interval."
        )
    return score


def main() -> None:
    """Train thrice, choose by validation, test the chosen one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder with sft/ and grpo/")
    parser.add_argument("--configs", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("extra", nargs="*", help="further arguments of emolit, after --")
    given = parser.parse_args()
    seconds = round(fit_report(given.root / "grpo")["seconds"] or 0)
    limit = f"00:{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    common = ["--seed_everything", given.seed, *given.extra]
    start = [CHECKPOINT, given.root / "sft" / "best"]
    scores = {}
    for rate in given.rates:
        folder = given.root / "control" / f"{rate:g}"
        emolit(
            *["fit", "--config", given.configs / "sft.yaml", *common, *start],
            *[
                "--trainer.default_root_dir",
                folder,
                "--trainer.max_epochs",
                -1,
                "--trainer.max_steps",
                -1,
            ],
            *["--trainer.max_time", limit, "--model.init_args.optimizer.init_args.lr", rate],
        )
        scores[rate] = best_score(folder)
        print(f"learning rate {rate:g}: best validation score {scores[rate]:.4f} after {limit}")
    best = max(scores, key=lambda rate: scores[rate])
    chosen = given.root / "sft_continued"
    shutil.rmtree(chosen, ignore_errors=True)
    shutil.copytree(given.root / "control" / f"{best:g}", chosen)
    (chosen / "choice.json").write_text(json.dumps({f"{k:g}": v for k, v in scores.items()}))
    emolit(
        *["test", "--config", given.configs / "test.yaml", *common],
        *["--trainer.default_root_dir", chosen, CHECKPOINT, chosen / "best"],
    )


if __name__ == "__main__":
    main()

"""A command that leaves what emolit leaves, in milliseconds; for tests of what runs and reads it.

`stand_in` puts a package ``emolit`` into a folder, which ``python -m emolit`` finds first when it
is started there. A fit writes ``fit.json``, ``best/`` and ``last.ckpt``; its validation score is
nearer to 1 the nearer ``--lr`` is to 0.1. Every call is a line of ``calls.txt``.
"""

from pathlib import Path

SOURCE = """
import json, os, shutil, sys, time
from pathlib import Path

words = sys.argv[1:]
options = dict(zip(words[1::2], words[2::2]))
with open("calls.txt", "a") as file:
    file.write(" ".join(words) + "\\n")
print("hello from", words[0])
if "--fail" in options:
    sys.exit("no such luck")
if "--env" in options:
    print(os.environ.get(options["--env"]))
if "--remove" in options:
    shutil.rmtree(options["--remove"])
    sys.exit(0)
if "--kill" in options:
    os.kill(os.getppid(), 9)
time.sleep(float(options.get("--sleep", 0)))
folder = Path(options["--trainer.default_root_dir"])
(folder / "lightning_logs").mkdir(parents=True, exist_ok=True)
(folder / "lightning_logs" / "config.yaml").write_text(json.dumps(words))
if words[0] == "fit":
    (folder / "last.ckpt").write_text("")
    if "--interrupt" in options and "--ckpt_path" not in options:
        sys.exit(1)
    (folder / "best").mkdir(exist_ok=True)
    score = 1 - abs(float(options.get("--lr", 0.5)) - 0.1)
    score = None if options.get("--unvalidated") else score
    report = {"seconds": 3671.2, "steps": 1, "monitor": "val", "best_score": score}
    report["mode"] = options.get("--mode", "max")
    (folder / "fit.json").write_text(json.dumps(report))
"""


def stand_in(folder: Path) -> None:
    """Make the command, and two configs for it."""
    (folder / "emolit").mkdir(parents=True)
    (folder / "emolit" / "__init__.py").touch()
    (folder / "emolit" / "__main__.py").write_text(SOURCE)
    for name in ("sft", "grpo", "test", "binary", "graded"):
        (folder / f"{name}.yaml").write_text(f"# {name}\nname: {name}\n")


def calls(folder: Path) -> list[str]:
    """Return the calls so far."""
    path = folder / "calls.txt"
    return path.read_text().splitlines() if path.is_file() else []

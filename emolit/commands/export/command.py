"""Makes a folder of a checkpoint that somebody can use who has never heard of emolit.

    emolit export runs/demo/grpo/best --out shared
    emolit export runs/demo/grpo/best --out shared --merge --push me/hears-emotion

The folder holds the weights, the processor, and a model card: what is asked, how it was trained,
what a test has found, and a script that loads it with transformers alone. The base of an adapter
that is a folder of this machine is copied along; ``--merge`` makes one model of both instead, and
``--base`` names the base on the Hub. Weights in parts (``save_distributed_checkpoint``) are put
together, one process holding them whole. An upload is private unless ``--public`` is given.
"""

import argparse
import shutil
import sys
from pathlib import Path

from emolit.commands.export.card import Card
from emolit.commands.export.facts import Checkpoint, read_checkpoint
from emolit.commands.export.files import copy_files
from emolit.commands.export.question import question_of
from emolit.compat.huggingface_hub import push_folder
from emolit.data.census import shorten
from emolit.engine.weights.merging import SETTINGS, copy_base, merge_adapter, rename_base
from emolit.engine.weights.parts import assemble_model, parts_of
from emolit.engine.weights.record import FILE, render_record
from emolit.errors import ConfigError, EmolitError
from emolit.files.modes import apply_umask
from emolit.reporting.run import is_local

SKIPPED = ("README.md", FILE)
"""Files of the checkpoint that are written anew."""
ADAPTER = (SETTINGS, "adapter_model.safetensors")
"""Files that a merged model has no use for."""


def main(arguments: list[str]) -> int:
    """Write the folder, upload it if asked to, and return the exit status."""
    given = parse_arguments(arguments)
    try:
        found = read_checkpoint(given.checkpoint, given.base, given.test)
        check_options(given, found)
        card = card_of(found, given)
        write(found, card, given)
        print(f"{given.out}: {size(given.out)}, with a model card in {given.out / 'README.md'}")
        if given.push:
            print(push_folder(given.out, given.push, given.public))
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="emolit export", description=about)
    parser.add_argument("checkpoint", type=Path, help="a folder of weights, such as RUN/best")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--merge", action="store_true", help="put the adapter into its base")
    parser.add_argument("--base", metavar="ID", help="what the base is called on the Hub")
    parser.add_argument("--license", help="of the weights, as the Hub calls it: apache-2.0")
    parser.add_argument(
        "--test", type=Path, metavar="RUN", help="the run that tested it; by default its own"
    )
    parser.add_argument("--push", metavar="ID", help="upload to this repository of the Hub")
    parser.add_argument("--public", action="store_true", help="let everybody see the upload")
    return parser.parse_args(arguments)


def check_options(given: argparse.Namespace, found: Checkpoint) -> None:
    """Refuse to replace something, to write into the checkpoint, and what the weights are not.

    Raises:
        ConfigError: One of these.
    """
    out, checkpoint = given.out, given.checkpoint
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already; remove it, or give another `--out`.")
    if out.resolve().is_relative_to(checkpoint.resolve()):
        raise ConfigError(f"{out} lies inside the checkpoint {checkpoint}; give another `--out`.")
    if given.merge and not found.adapter:
        raise ConfigError(
            f"{checkpoint} holds no adapter but a whole model, which has nothing to merge; leave "
            "`--merge` out."
        )
    if given.base and is_local(given.base):
        raise ConfigError(
            f"`--base` is {given.base!r}, a folder; give what it is called on the Hub, or leave "
            "`--base` out, and the base is copied."
        )


def card_of(found: Checkpoint, given: argparse.Namespace) -> Card:
    """Return what the model card tells."""
    own_base = found.source is not None and is_local(found.source) and given.base is None
    adapter = "with its base" if own_base else "alone"
    return Card(
        name=(given.push or given.out.resolve().name).rpartition("/")[-1],
        license=given.license or found.license,
        base=found.base,
        adapter=adapter if found.adapter and not given.merge else "",
        model_class=found.policy.auto_class,
        dtype=found.dtype,
        stock=found.stock,
        hears=found.policy.hears,
        address=given.push or ".",
        record=found.record,
        question=question_of(found.trained),
        corpora=found.corpora,
        stages=found.stages,
        selection=found.selection,
        scores=found.scores,
    )


def write(found: Checkpoint, card: Card, given: argparse.Namespace) -> None:
    """Write the folder beside, then rename it: it is there whole or not at all."""
    beside = given.out.with_name(f".{given.out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        fill(beside, found, card, given)
        if given.out.is_dir():
            given.out.rmdir()
        beside.rename(given.out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def fill(beside: Path, found: Checkpoint, card: Card, given: argparse.Namespace) -> None:
    """Write all files into a folder that is not there yet."""
    beside.mkdir(parents=True)
    left = copy_files(found.folder, beside, (*SKIPPED, *(ADAPTER if given.merge else ())))
    if left:
        print(f"Not handed on, as neither weights nor settings: {shorten(left, ', ')}")
    if parts_of(found.folder):
        assemble_model(found.folder, found.policy.auto_class).save_pretrained(beside)
        apply_umask(beside)
    elif given.merge:
        model = merge_adapter(
            str(found.folder), found.policy.auto_class, found.dtype, found.policy.foreign
        )
        model.save_pretrained(beside)
        apply_umask(beside)
    elif card.adapter == "with its base":
        source = Path(str(found.source))
        copy_base(source, beside)
        print(
            f"The base {source} is a folder of this machine, so its {size(source)} are copied to "
            f"{given.out / 'base'}; `--merge` makes one model of both, `--base ID` names it on the "
            "Hub."
        )
    elif card.adapter and given.base:
        rename_base(beside, given.base)
    (beside / FILE).write_text(render_record(found.record), encoding="utf-8")
    (beside / "README.md").write_text(card.render(), encoding="utf-8")


def size(folder: Path) -> str:
    """Return how much a folder holds, in words."""
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{total / 1e6:.1f} MB"

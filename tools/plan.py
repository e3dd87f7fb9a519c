"""Computes what a recipe takes: memory a GPU, seconds a step, what to change if it does not fit.

    python -m tools.plan --config configs/experiments/emo_rl/meld/grpo.yaml --gpus 8
    python -m tools.plan --model qwen3_omni_30b --trains full --gpus 64 --card h200
    python -m tools.plan --table

All is computed: parameters times bytes, and bytes over bandwidth. `tests/tools/test_plan.py`
compares parameters, optimizer state, cache and activations with real tensors of small models. The
seconds have been compared with nothing: no GPU has run emolit yet.
"""

import argparse
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from tools.model_sizes import CARDS, MODELS, NF4, Model
from tools.recipe import Recipe, recipe_of

GB = 1e9
LOGITS = 2**27 * (2 + 4 + 4 + 4) + 2**28
"""Bytes of a chunk of logits in the loss, at the most: in bfloat16 and, three times, in float32."""
RUNTIME = 2.5 * GB
"""What CUDA, NCCL and the allocator take beside it. A guess."""
USABLE = 0.95
"""Share of a card that a run may fill."""


LAUNCH = 10e-6
"""Seconds between two kernels that Python launches. A guess."""
BESIDE = 3114 / 32
"""Kernels a layer and decoded token where adapters run beside the weights."""
KERNELS = {"full": 1257 / 32, "lora": 1354 / 32, "qlora": BESIDE + 14}
"""The same of each way to train: counted by `tools.bench.decode` at 32 layers under bf16-mixed; the
14 for four bits are a guess."""
SHARDED_KERNELS = {"full": 1324 / 32, "lora": 2218 / 32}
"""The same under FSDP2, which casts weights as it gathers them."""
WITHIN, BETWEEN = 360e9, 50e9
"""Bytes a second that a GPU sends to others of its machine, and to another machine."""
REACHED = 0.4
"""Share of a card's operations that matrix products reach. A guess."""


def memory(recipe: Recipe, sizes: Model | None = None) -> dict[str, float]:
    """Return the bytes that a GPU holds, part by part.

    Args:
        recipe: What is trained.
        sizes: Of the model; None looks up its name.
    """
    model = sizes or MODELS[recipe.model]
    full = recipe.trains == "full"
    trained = model.parameters if full else model.adapters(recipe.rank)
    parts, number = recipe.parts, recipe.number
    base = 0.0 if full else 2 * model.parameters
    if recipe.trains == "qlora":
        base -= (2 - NF4) * model.carrying
    held = recipe.rows * (recipe.prompt_tokens + recipe.response_tokens)
    kept = recipe.tokens * model.width * number * model.layers
    inside = recipe.tokens * (6 * model.width + 3 * model.inner * max(1, model.active)) * 4
    square = recipe.prompts * (recipe.tokens // recipe.prompts) ** 2 * number
    return {
        "weights": (base + 4 * trained) / parts,
        "reference": 4 * trained / parts if recipe.reference and recipe.group else 0.0,
        "gradients": 4 * trained / parts,
        "AdamW": 8 * trained / parts,
        "gathered": 2 * held_whole(recipe, model) if recipe.sharded else 0.0,
        "copied": 2.0 * (model.carrying + model.head * full) if recipe.copies else 0.0,
        "cache": held * model.cached * number if recipe.group else 0.0,
        "activations": square
        + (kept + inside if recipe.checkpointing else model.layers * inside)
        + min(LOGITS, recipe.rows * recipe.response_tokens * model.vocabulary * 14),
        "runtime": RUNTIME,
    }


def held_whole(recipe: Recipe, model: Model) -> float:
    """Return the parameters that a GPU gathers at a time: all, or two layers and the rest."""
    if recipe.gather == "model":
        return model.parameters
    return model.embeddings + model.rest + 2 * model.layer()


def seconds(recipe: Recipe) -> dict[str, float]:
    """Return the seconds of an optimizer step, part by part."""
    model, card = MODELS[recipe.model], CARDS[recipe.card]
    full = recipe.trains == "full"
    held = min(model.read * (recipe.rows if model.experts else 1), model.parameters)
    # experts are not copied: autocast reads float32, writes bfloat16 and reads that, 8 bytes, not 2
    cast = max(0, held - model.carrying - model.head) if full and not recipe.sharded else 0
    half = recipe.prompt_tokens + recipe.response_tokens / 2
    bytes_read = 2 * held + 6 * cast + recipe.rows * half * model.cached * recipe.number
    kernels = (SHARDED_KERNELS if recipe.sharded else KERNELS)[recipe.trains]
    if recipe.trains == "lora" and not recipe.sharded and not recipe.merge:
        kernels = BESIDE
    token = max(bytes_read / card.bandwidth, model.layers * kernels * LAUNCH)
    if recipe.gather == "layer":  # each layer for each token
        token += 2 * model.layers * model.layer() * (1 - 1 / recipe.parts) / WITHIN
    forward = 2 * model.read * recipe.tokens / (REACHED * card.operations)
    passes = (3 if full else 2) + recipe.checkpointing + (recipe.reference and recipe.group > 0)
    gradients = 4 * (model.parameters if full else model.adapters(recipe.rank))
    # an all-reduce moves gradients twice; FSDP2 once, and bfloat16 weights forward and backward
    sent = gradients + (4 * model.parameters if recipe.sharded else gradients)
    sending = sent / WITHIN if recipe.gpus > 1 else 0.0
    if recipe.gpus > recipe.node:  # a GPU sends its part alone to its like in other machines
        sending += 2 * gradients / recipe.parts / BETWEEN
    return {
        "rollout": recipe.accumulated * recipe.response_tokens * token * bool(recipe.group),
        "update": recipe.accumulated * passes * forward,
        "sent": sending,
    }


def fits(recipe: Recipe) -> bool:
    """Tell whether a GPU has the memory."""
    return sum(memory(recipe).values()) <= USABLE * CARDS[recipe.card].memory


def changes(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """Yield what takes less memory, those first that change least of what is learned."""
    now, steps = recipe, list[str]()
    if now.trains == "lora" and now.copies:
        now = replace(now, merge=False)
        steps.append("`lora.merge: false`")
        yield ", then ".join(steps), now
    if not now.checkpointing:
        now = replace(now, checkpointing=True)
        steps.append("`gradient_checkpointing: true`")
        yield ", then ".join(steps), now
    if now.trains == "full" and not (now.sharded and now.gpus >= now.node):
        text = "`--trainer configs/trainers/fsdp.yaml` on {} GPUs"
        if now.gpus > 1 and not now.sharded:
            yield ", then ".join([*steps, text.format(now.gpus)]), replace(now, sharded=True)
        now = replace(now, sharded=True, gpus=max(now.gpus, now.node))
        steps.append(text.format(now.gpus))
        yield ", then ".join(steps), now
    if now.sharded and now.gather == "model":
        now = replace(now, gather="layer")
        steps.append("`gather: layer` of the policy")
        yield ", then ".join(steps), now
    if now.prompts > 1:
        now = replace(now, prompts=1, accumulated=now.accumulated * now.prompts)
        steps.append(f"`batch_size: 1` and `accumulate_grad_batches: {now.accumulated}`")
        yield ", then ".join(steps), now
    for text, other in _alternatives(now):
        yield ", then ".join([*steps, text]), other


def _alternatives(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """Yield other cards and ways to train, each by itself."""
    for card in ("h100", "h200"):
        if CARDS[recipe.card].memory < CARDS[card].memory:
            yield f"cards of {CARDS[card].memory / GB:.0f} GB", replace(recipe, card=card)
    if recipe.trains == "full":
        yield "adapters (`lora`, `dtype: bfloat16`)", replace(recipe, trains="lora", sharded=False)
    if recipe.trains != "qlora":
        text = "`lora.quantize: nf4` under `ddp.yaml`"
        yield text, replace(recipe, trains="qlora", sharded=False)


def verdict(recipe: Recipe) -> str:
    """Return a sentence: it fits, or what is too large and what to change."""
    parts = memory(recipe)
    need, has = sum(parts.values()) / GB, CARDS[recipe.card].memory / GB
    has *= USABLE
    if fits(recipe):
        return f"It fits: {need:.0f} of {has:.0f} usable GB a GPU."
    largest = sorted(parts, key=lambda name: -parts[name])[:2]
    what = " and ".join(f"{name} {parts[name] / GB:.0f}" for name in largest)
    start = f"It does not fit: a GPU would hold {need:.0f} of {has:.0f} usable GB, "
    start += f"most of it {what} GB."
    for text, changed in changes(recipe):
        if fits(changed):
            return f"{start} Take {text}: {sum(memory(changed).values()) / GB:.0f} GB."
    return f"{start} No setting makes it fit; take a smaller model, or shorter responses."


def render(recipe: Recipe) -> str:
    """Return what a recipe takes, a line a part, and the sentence."""
    parts, times = memory(recipe), seconds(recipe)
    lines = [
        f"{name:16}{size / GB:8.1f} GB"
        for name, size in (*parts.items(), ("sum", sum(parts.values())))
    ]
    lines += [
        f"{name:16}{took:8.1f} s" for name, took in (*times.items(), ("step", sum(times.values())))
    ]
    return "\n".join([*lines, verdict(recipe)])


def table() -> Iterator[str]:
    """Yield a row for each model and way to train: GB a GPU, and seconds a step."""
    sizes = (1, 8, 64)
    yield "| model | trains | " + " | ".join(f"{n} x H100" for n in sizes) + " |"
    yield "|---" * (2 + len(sizes)) + "|"
    for model in MODELS:
        for trains in KERNELS:
            cells = []
            for gpus in sizes:
                sharded = gpus > 1 and trains == "full"
                recipe = Recipe(model, trains, gpus, sharded=sharded, prompts=2)
                need = f"{sum(memory(recipe).values()) / GB:.0f} GB"
                took = f", {sum(seconds(recipe).values()):.1f} s" if fits(recipe) else ": no"
                cells.append(need + took)
            yield f"| {model} | {trains} | {' | '.join(cells)} |"


def unplannable(recipe: Recipe, merge: bool | None) -> str:
    """Return a sentence on what cannot be trained so; it is empty where all can.

    Args:
        recipe: What is asked for.
        merge: What is said of merging on the command line; None is nothing.
    """
    for name in NUMBERS:
        if getattr(recipe, name) < (0 if name == "group" else 1):
            return f"--{name.replace('_', '-')} is {getattr(recipe, name)}; it counts things."
    if recipe.sharded and recipe.trains == "qlora":
        return "weights in four bits cannot be sharded; take --no-sharded."
    if merge is not None and (recipe.sharded or recipe.trains != "lora"):
        return "--merge and --no-merge are of adapters beside whole weights; take --trains lora."
    if recipe.gather == "layer" and not recipe.sharded:
        return (
            "`gather: layer` says how sharded weights are gathered, and none are sharded; take "
            "--gather model, or --sharded."
        )
    if recipe.gpus > recipe.node and recipe.gpus % recipe.node:
        whole = recipe.gpus // recipe.node * recipe.node
        return (
            f"{recipe.gpus} GPUs are no whole machines of {recipe.node}; take --gpus {whole} or "
            f"{whole + recipe.node}, or say by --node how many a machine has."
        )
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Print what a recipe takes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, help="an experiment; what follows changes it")
    parser.add_argument("--table", action="store_true", help="all models on 1, 8 and 64 GPUs")
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--trains", choices=KERNELS)
    parser.add_argument("--card", choices=CARDS)
    parser.add_argument("--gather", choices=("model", "layer"))
    for name in ("sharded", "merge"):
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None)
    for name in NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int)
    given = vars(parser.parse_args(arguments))
    if given.pop("table"):
        ignored = [name for name, it in given.items() if it is not None]
        if ignored:
            parser.error(f"--table has settings of its own; leave out --{', --'.join(ignored)}.")
        print("\n".join(table()))
        return 0
    config = given.pop("config")
    if config and not config.is_file():
        parser.error(
            f"{config} is no file; give the path, as configs/experiments/emo_rl/meld/grpo.yaml."
        )
    recipe = recipe_of(config, given["model"]) if config else Recipe()
    recipe = replace(recipe, **{name: it for name, it in given.items() if it is not None})
    if given["sharded"] is None:
        recipe = replace(recipe, sharded=recipe.gpus > 1 and recipe.trains == "full")
    problem = unplannable(recipe, given["merge"])
    if problem:
        parser.error(problem)
    print(render(recipe))
    return 0


NUMBERS = tuple(
    each.name
    for each in fields(Recipe)
    if isinstance(each.default, int) and not isinstance(each.default, bool)
)

if __name__ == "__main__":
    raise SystemExit(main())

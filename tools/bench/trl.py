"""The TRL side of the benchmark: its stock trainer, and a shim for audio; started by bench.py."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from datasets.table import InMemoryTable
from transformers import AutoProcessor, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl.trainer import utils

from tools.bench import cases as shared

FEATURES = ("input_features", "feature_attention_mask")


def rewards(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """Score responses as the other side does; TRL hands every column by name."""
    return shared.reward(torch.tensor(completion_ids)).tolist()


class Shim(GRPOTrainer):
    """Carries the audio to where TRL 1.16 drops it; one iteration, no KL, no vLLM."""

    def hear(self, waves: list[torch.Tensor]) -> None:
        """Take the clips, which prompts name by their place."""
        self.waves = [wave.numpy() for wave in waves]

    def _tokenize_prompts(self, prompts: list[Any]) -> Any:
        for prompt in prompts:
            heard, asked = prompt[0]["content"]  # Arrow fills what either part lacks with None
            wave = self.waves[int(heard["audio"])]
            question = {"type": "text", "text": asked["text"]}
            prompt[0]["content"] = [{"type": "audio", "audio": wave}, question]
        ids, images, fields = super()._tokenize_prompts(prompts)
        self.heard = {name: torch.as_tensor(np.array(fields[name])) for name in FEATURES}
        return ids, images, self.heard

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        return {**super()._generate_and_score_completions(inputs), **self.heard}

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        heard = {name: inputs[name] for name in FEATURES}
        return super()._compute_loss(functools.partial(model, **heard), inputs)


class Watch(TrainerCallback):
    """Times steps from the outside, and counts in the first, which is dropped."""

    def __init__(self, counts: shared.Counts) -> None:
        self.counts, self.clock = counts, shared.Clock()
        counts.open()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self.clock.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop it."""
        self.clock.stop()
        self.counts.close()


def settings(case: shared.Case, steps: int, folder: str) -> GRPOConfig:
    """Return what both sides agree on, in TRL's words."""
    return GRPOConfig(
        output_dir=folder,
        per_device_train_batch_size=shared.BATCH * case.group,
        num_generations=case.group,
        max_completion_length=case.completion,
        generation_kwargs={"min_new_tokens": case.completion},
        max_steps=steps,
        bf16=False,
        gradient_checkpointing=False,
        loss_type="grpo",
        beta=0.0,
        num_iterations=1,
        optim="adamw_torch",
        learning_rate=shared.LEARNING_RATE,
        lr_scheduler_type="constant",
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_grad_norm=1.0,
        shuffle_dataset=False,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        seed=0,
    )


def text_trainer(case: shared.Case, folder: Path, given: GRPOConfig) -> GRPOTrainer:
    """Return the stock trainer."""
    from transformers import AutoModelForCausalLM

    source = folder / "text"
    return GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32),
        reward_funcs=rewards,
        args=given,
        train_dataset=dataset(shared.prompts(case.prompt)),
        processing_class=AutoTokenizer.from_pretrained(source, padding_side="left"),
    )


def dataset(asked: list[Any]) -> Dataset:
    """Return the prompts as TRL wants them; a name of its own spares their hashing."""
    return Dataset(InMemoryTable.from_pydict({"prompt": asked}), fingerprint="bench")


def chat(place: int) -> list[dict[str, Any]]:
    """Return the question about one clip, which stands for its waveform by its place."""
    heard = {"type": "audio", "audio": str(place)}
    return [{"role": "user", "content": [heard, {"type": "text", "text": shared.QUESTION}]}]


def audio_trainer(case: shared.Case, folder: Path, given: GRPOConfig) -> tuple[Shim, str]:
    """Return the shimmed trainer, and how the stock one fails."""
    from transformers import Qwen2AudioForConditionalGeneration

    source = folder / "audio"
    model = Qwen2AudioForConditionalGeneration.from_pretrained(source, dtype=torch.float32)
    if case.frozen:
        model.model.audio_tower.requires_grad_(False)
    processor = AutoProcessor.from_pretrained(source)
    processor.tokenizer.padding_side = "left"
    data = dataset([chat(place) for place in range(shared.CLIPS)])
    try:
        GRPOTrainer(model, rewards, args=given, train_dataset=data, processing_class=processor)
        error = ""
    except AttributeError as missing:
        error = f"AttributeError: {missing}"
    model.config.image_token_id = processor.tokenizer.convert_tokens_to_ids(shared.AUDIO)
    trainer = Shim(model, rewards, args=given, train_dataset=data, processing_class=processor)
    trainer.hear(shared.clips(case.seconds))
    return trainer, error


def count_head(counts: shared.Counts) -> None:
    """Count the logits of the loss too: TRL multiplies by the head's weight, past its hooks."""
    inner = utils._ChunkedLogProbFunction

    class Counting:
        @staticmethod
        def apply(states: torch.Tensor, *others: Any) -> Any:
            if counts.handles:
                counts.logits(len(states))
            return inner.apply(states, *others)

    utils._ChunkedLogProbFunction = Counting


def side(case: shared.Case, folder: Path, steps: int) -> dict[str, Any]:
    """Train for some steps and return times, memory and counts."""
    with tempfile.TemporaryDirectory() as place:
        given, error = settings(case, steps + 1, place), ""
        if case.seconds:
            trainer, error = audio_trainer(case, folder, given)
        else:
            trainer = text_trainer(case, folder, given)
        watch = Watch(shared.Counts(trainer.model, case.prompt))
        count_head(watch.counts)
        trainer.add_callback(watch)
        trainer.train()
    return {
        **watch.clock.record(),
        "counts": {**watch.counts.seen, "prompt": watch.counts.prompt},
        "stock_error": error,
    }


if __name__ == "__main__":
    shared.run(side)

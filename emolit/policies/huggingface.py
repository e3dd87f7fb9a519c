"""Any audio language model that transformers loads: processor, adapters, freezing, reference."""

import inspect
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from emolit.engine.prefix import prefill
from emolit.engine.reference import Reference, adapters_off, frozen_adapter, frozen_copy
from emolit.engine.rollout import generate, streams
from emolit.engine.scoring import shared_logprobs
from emolit.errors import PolicyError
from emolit.policies.base import Policy
from emolit.types import Batch, Rollout, Sampling

SHORTEST = 0.1
"""Seconds that a clip is padded to with silence: a tower needs a frame or two."""
TAIL = 16
"""Tokens that are decoded to look for a stop string."""


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters through peft; dropout is 0 always.

    Attributes:
        rank: Of the update.
        alpha: The update is scaled by alpha / rank.
        targets: Names or one regular expression of linear layers; None takes the policy's own.
        train: Names of modules that train in full beside the adapters, such as the projector;
            peft calls them ``modules_to_save``.
        dora: Decompose the update into magnitude and direction (arXiv 2402.09353).
    """

    rank: int = 16
    alpha: int = 32
    targets: list[str] | str | None = None
    train: list[str] = field(default_factory=list)
    dora: bool = False


class HuggingFace(Policy):
    """A multimodal checkpoint, trained in full or through adapters.

    Args:
        checkpoint: A folder or a hub id: a whole model, or a peft adapter folder, whose base is
            found through its own ``adapter_config.json``.
        lora: Adapters to train; None trains the whole model. A checkpoint that is an adapter
            already brings its own settings, and these must not contradict them.
        freeze: Names of modules that do not train, for example ``audio_tower``.
        dtype: Of the weights.
    """

    auto_class = "AutoModelForMultimodalLM"
    ends: Tensor
    forbidden: Tensor
    lora_targets: list[str] | str = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"

    def __init__(
        self,
        checkpoint: str,
        lora: Lora | None = None,
        freeze: list[str] | None = None,
        dtype: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.lora = lora
        self.freeze = freeze or []
        self.dtype = dtype
        self.model: Any = None
        self.frozen_twin: nn.Module | None = None
        self.processor: Any = None
        self._reference: Reference | None = None
        self._encoded: tuple[Batch, dict[str, Tensor]] | None = None

    def build(self, reference: bool, seed: int) -> None:
        """Load model and processor, attach adapters, freeze, and set the reference aside.

        Raises:
            PolicyError: The checkpoint does not fit; the message says which part.
        """
        if self.model is not None:
            return
        check_there(self.checkpoint)
        adapter = Path(self.checkpoint) / "adapter_config.json"
        given = json.loads(adapter.read_text()) if adapter.is_file() else None
        source = given["base_model_name_or_path"] if given else self.checkpoint
        self.processor = self._load_processor(source)
        base = self._load_model(source)
        if given is not None:
            self._reference = self._resume_adapter(base, given, reference)
        elif self.lora is not None:
            self._reference = self._fresh_adapter(base, self.lora, seed)
        else:
            self.model = base
        self._freeze()
        if given is None and self.lora is None and reference:
            self._reference, self.frozen_twin = frozen_copy(base)
        self._look_up_tokens()
        self.eval()

    def _load_processor(self, source: str) -> Any:
        """Load the processor and set what emolit relies on: left padding."""
        from transformers import AutoProcessor

        try:
            processor = AutoProcessor.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise PolicyError(
                f"No processor loads from the checkpoint {source!r} ({error}); "
                "give a folder that holds model and processor, or a hub id."
            ) from error
        processor.tokenizer.padding_side = "left"
        return processor

    def _load_model(self, source: str) -> Any:
        """Load the weights; missing or superfluous ones are an error."""
        import transformers

        factory = getattr(transformers, self.auto_class)
        try:
            model, info = factory.from_pretrained(
                source, dtype=getattr(torch, self.dtype), output_loading_info=True
            )
        except (OSError, ValueError) as error:
            raise PolicyError(
                f"No model loads from the checkpoint {source!r} ({error}); "
                f"{type(self).__name__} needs what transformers' {self.auto_class} opens."
            ) from error
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if info[kind]:
                raise PolicyError(
                    f"The checkpoint {source!r} has {len(info[kind])} {kind.replace('_', ' ')}, "
                    f"such as {sorted(map(str, info[kind]))[0]!r}, under transformers "
                    f"{transformers.__version__}; use a checkpoint of this architecture."
                )
        return model

    def _fresh_adapter(self, base: Any, lora: Lora, seed: int) -> Reference:
        """Wrap the base in new adapters; the reference is the base with these off."""
        from peft import LoraConfig, get_peft_model

        settings = LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            target_modules=lora.targets or self.lora_targets,
            modules_to_save=lora.train or None,
            use_dora=lora.dora,
            lora_dropout=0.0,
            task_type="CAUSAL_LM",
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.model = get_peft_model(base, settings)
        return adapters_off(self.model)

    def _resume_adapter(self, base: Any, given: dict[str, Any], twin: bool) -> Reference | None:
        """Wrap the base in a trained adapter; the reference is a frozen twin of it."""
        from peft import PeftModel

        if self.lora is not None:
            asked = {
                "r": self.lora.rank,
                "lora_alpha": self.lora.alpha,
                "modules_to_save": self.lora.train or None,
                "use_dora": self.lora.dora,
            }
            found = {name: given.get(name) for name in asked}
            if asked != found:
                raise PolicyError(
                    f"The adapter in {self.checkpoint!r} was trained with {found}, "
                    f"but `lora` asks for {asked}; make them equal or leave `lora` out."
                )
        self.model = PeftModel.from_pretrained(base, self.checkpoint, is_trainable=True)
        return frozen_adapter(self.model, self.checkpoint) if twin else None

    def _freeze(self) -> None:
        """Stop training of the modules in ``freeze``, wherever they sit."""
        for name in self.freeze:
            found = [
                module
                for path, module in self.model.named_modules()
                if path == name or path.endswith(f".{name}")
            ]
            if not found:
                known = sorted({path.rsplit(".", 1)[-1] for path, _ in self.base.named_children()})
                inner = [path for path, _ in self.base.named_modules() if path.count(".") == 1]
                raise PolicyError(
                    f"`freeze` names the module {name!r}, which {type(self.base).__name__} does "
                    f"not have; it has {known + inner}."
                )
            for module in found:
                module.requires_grad_(False)

    def _look_up_tokens(self) -> None:
        """Find the tokens that end a response and those that may never be sampled.

        Forbidden are all special and padding tokens, modality placeholders among them, and rows
        of the embedding that no token uses, except those that end a response.
        """
        tokenizer = self.processor.tokenizer
        ends = self.base.generation_config.eos_token_id
        ends = {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id} - {None}
        special = {key for key, token in tokenizer.added_tokens_decoder.items() if token.special}
        special |= {tokenizer.pad_token_id, *tokenizer.all_special_ids} - {None}
        rows = self.base.get_input_embeddings().num_embeddings
        forbidden = (special | set(range(len(tokenizer), rows))) - ends
        self.register_buffer("ends", torch.tensor(sorted(ends)), persistent=False)
        self.register_buffer("forbidden", torch.tensor(sorted(forbidden)), persistent=False)

    @property
    def base(self) -> Any:
        """The transformers model, adapters inside."""
        return self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model

    @property
    def device(self) -> torch.device:
        """Where the embedding lies."""
        device: torch.device = self.base.get_input_embeddings().weight.device
        return device

    def conversation(self, question: str) -> list[dict[str, Any]]:
        """Return the chat that puts a question about one clip."""
        content = [{"type": "audio", "audio": "clip"}, {"type": "text", "text": question}]
        return [{"role": "user", "content": content}]

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Call the processor on chat texts and waveforms at its own sampling rate."""
        inputs: dict[str, Tensor] = self.processor(
            text=texts, audio=waveforms, sampling_rate=rate, return_tensors="pt", padding=True
        )
        return dict(inputs)

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """Return the model's inputs for B prompts; rollout, loss and reference share them."""
        if self._encoded is None or self._encoded[0] is not batch:
            self._encoded = (batch, self._inputs(batch))
        return self._encoded[1]

    def _inputs(self, batch: Batch) -> dict[str, Tensor]:
        """Return the model's inputs for B prompts, left-padded, on its device.

        Raises:
            PolicyError: The processor made a tensor that the model does not take.
        """
        from torchaudio.functional import resample

        rate = self.processor.feature_extractor.sampling_rate
        waveforms = []
        for waveform in batch.waveforms:
            heard = resample(waveform, batch.sampling_rate, rate)
            missing = max(0, int(SHORTEST * rate) - len(heard))
            waveforms.append(nn.functional.pad(heard, (0, missing)).numpy())
        texts = [
            self.processor.apply_chat_template(
                self.conversation(question), add_generation_prompt=True, tokenize=False
            )
            for question in batch.questions
        ]
        inputs = self.process(texts, waveforms, rate)
        taken = inspect.signature(self.base.forward).parameters
        unused = sorted(set(inputs).difference(taken))
        if unused:
            raise PolicyError(
                f"The processor of {self.checkpoint!r} makes {unused}, which "
                f"{type(self.base).__name__} does not take; override `process` in the policy."
            )
        return {name: value.to(self.device) for name, value in inputs.items()}

    def sample(
        self, batch: Batch, group_size: int, sampling: Sampling, seed: int, step: int
    ) -> Rollout:
        """Draw responses on one prefill of each prompt."""
        keys = [f"{clip.corpus}/{clip.id}" for clip in batch.clips]
        with torch.no_grad():
            prefix = prefill(self.base, self.head, self.encode(batch)).expanded(group_size)
            drawn = generate(
                self.base,
                self.head,
                prefix,
                sampling,
                self.forbidden,
                self.ends,
                lambda rows: self._stopped(rows, sampling.stop),
                streams(seed, step, keys, group_size, sampling.max_tokens),
            )
        shape = (len(batch), group_size, -1)
        tokens, mask = drawn.tokens.view(shape), drawn.mask.view(shape)
        return Rollout(
            batch=batch,
            tokens=tokens,
            mask=mask,
            behavior=drawn.behavior.view(shape),
            finished=drawn.finished.view(shape[:2]),
            responses=self._decode(tokens, mask),
            sampling=sampling,
        )

    def _stopped(self, rows: Tensor, stop: tuple[str, ...]) -> Tensor:
        """Tell which token rows have a stop string, text behind it in the same token included."""
        if not stop:
            return torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
        tails = self.processor.tokenizer.batch_decode(rows[:, -TAIL:])
        ended = [any(end in text for end in stop) for text in tails]
        return torch.tensor(ended, device=rows.device)

    def _decode(self, tokens: Tensor, mask: Tensor) -> tuple[tuple[str, ...], ...]:
        """Return the text of each response without special tokens."""
        decode = self.processor.tokenizer.decode
        return tuple(
            tuple(
                decode(row[kept].tolist(), skip_special_tokens=True)
                for row, kept in zip(group, group_mask, strict=True)
            )
            for group, group_mask in zip(tokens, mask, strict=True)
        )

    def imitate(self, batch: Batch) -> Rollout:
        """Tokenize the target replies, each followed by the end token.

        Raises:
            PolicyError: A clip has no target.
        """
        texts = []
        for clip, target in zip(batch.clips, batch.targets, strict=True):
            if target is None:
                raise PolicyError(
                    f"The clip {clip.id!r} of {clip.corpus!r} has no target reply to imitate; "
                    "leave it out of supervised finetuning or label it."
                )
            texts.append(target)
        tokenizer = self.processor.tokenizer
        rows = [
            [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
            for text in texts
        ]
        length = max(map(len, rows))
        tokens = torch.tensor([row + [0] * (length - len(row)) for row in rows])
        mask = torch.arange(length) < torch.tensor([[len(row)] for row in rows])
        tokens, mask = tokens.to(self.device), mask.to(self.device)
        return Rollout(
            batch=batch,
            tokens=tokens.unsqueeze(1),
            mask=mask.unsqueeze(1),
            behavior=torch.zeros_like(tokens, dtype=torch.float32).unsqueeze(1),
            finished=torch.ones(len(rows), 1, dtype=torch.bool, device=self.device),
            responses=tuple((text,) for text in texts),
            sampling=Sampling(max_tokens=length),
        )

    def logprobs(self, rollout: Rollout) -> Tensor:
        """Score on one prefill of each prompt, with gradients."""
        return self._score(self.base, rollout)

    def reference_logprobs(self, rollout: Rollout) -> Tensor:
        """Score under the policy as it was given."""
        if self._reference is None:
            raise PolicyError("The policy was built without a reference; build(reference=True).")
        with torch.no_grad(), self._reference() as model:
            return self._score(model, rollout)

    def _score(self, model: Any, rollout: Rollout) -> Tensor:
        """Score a rollout under a model of this architecture."""
        return shared_logprobs(
            model,
            model.get_output_embeddings(),
            self.encode(rollout.batch),
            rollout.tokens,
            rollout.mask,
            rollout.sampling,
            self.forbidden,
        )

    @property
    def head(self) -> nn.Module:
        """The language-model head."""
        head: nn.Module = self.base.get_output_embeddings()
        return head

    def save(self, folder: Path) -> None:
        """Write a peft folder for adapters, else an ordinary model folder; with the processor."""
        if hasattr(self.model, "peft_config"):
            self.model.save_pretrained(folder, selected_adapters=["default"])
        else:
            self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)


def check_there(checkpoint: str) -> None:
    """Refuse a path that leads nowhere; a hub id has one slash and no dot in front.

    Raises:
        PolicyError: It does.
    """
    path = Path(checkpoint)
    looks_local = path.is_absolute() or checkpoint.startswith(".") or len(path.parts) > 2
    if looks_local and not path.is_dir():
        raise PolicyError(
            f"The checkpoint folder {checkpoint!r} is not there; train it first, or set "
            "`checkpoint` to a folder that holds a model or an adapter, or to a hub id."
        )

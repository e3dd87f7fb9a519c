"""Any audio language model that transformers loads: processor, adapters, freezing, reference."""

import inspect
import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from emolit.engine.adapters import Lora, fresh_adapter, trained_adapter
from emolit.engine.checkpoint import check_there, checkpoint_layers, load_model, load_processor
from emolit.engine.features import in_float32, stored_features
from emolit.engine.model import LanguageModel
from emolit.engine.prefix import Encoded, positions
from emolit.engine.reference import Reference, frozen_copy
from emolit.engine.rollout import generate, streams
from emolit.engine.scoring import Scorer
from emolit.engine.selfcheck import check_network
from emolit.engine.sharding import anyone_in, gathered, reshard, shard
from emolit.engine.store import Store
from emolit.engine.tower import hear_once
from emolit.errors import PolicyError
from emolit.policies.base import Policy
from emolit.types import Batch, Rollout, Sampling

TAIL = 16
"""Tokens that are decoded to look for a stop string."""


class HuggingFace(Policy):
    """A multimodal checkpoint, trained in full or through adapters.

    Args:
        checkpoint: A folder or a hub id: a whole model, or a peft adapter folder, whose base is
            found through its own ``adapter_config.json``.
        lora: Adapters to train; None trains the whole model. A checkpoint that is an adapter
            already brings its own settings, and these must not contradict them.
        freeze: Names of modules that do not train, for example ``audio_tower``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them:
            less memory, about a third more time.
        long_audio: What happens to a clip that is longer than what the model hears: ``cut`` keeps
            its beginning and counts it, ``raise`` stops.
        store: Folder where features of clips, and what a frozen tower says about them, are kept
            between steps and runs; None keeps nothing.
    """

    auto_class = "AutoModelForMultimodalLM"
    tower_takes_rows = False
    """Whether the tower takes clips as rows, so that its answers can be stored one by one."""
    shortest = 0.1
    """Seconds that a clip is padded to with silence: a tower needs a frame or two."""
    ends: Tensor
    forbidden: Tensor
    foreign: tuple[str, ...] = ()
    lora_targets: list[str] | str = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"

    def __init__(
        self,
        checkpoint: str,
        lora: Lora | None = None,
        freeze: list[str] | None = None,
        dtype: Literal["float32", "bfloat16"] = "float32",
        gradient_checkpointing: bool = False,
        long_audio: Literal["cut", "raise"] = "cut",
        store: str | None = None,
    ) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.lora = lora
        self.freeze = freeze or []
        self.dtype = dtype
        self.gradient_checkpointing = gradient_checkpointing
        self.long_audio = long_audio
        self.store = None if store is None else Store(store)
        self.model: Any = None
        self.frozen_twin: nn.Module | None = None
        self.processor: Any = None
        self.scorer = Scorer(packed=gradient_checkpointing)
        self._reference: Reference | None = None
        self._syncs = False
        self._mesh: Any = None
        self._checked = False
        self._encoded: dict[int, tuple[Batch, Encoded]] = {}

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
        check_there(source)
        self.processor = self.load_processor(source)
        base = load_model(source, self.auto_class, self.dtype, self.foreign)
        if self.gradient_checkpointing:
            checkpoint_layers(base)
        if given is not None:
            self.model, self._reference = trained_adapter(
                base, self.checkpoint, given, self.lora, reference
            )
        elif self.lora is not None:
            self.model, self._reference = fresh_adapter(
                base, self.lora, self.lora_targets, seed, twin=self._syncs
            )
        else:
            self.model = base
        self._freeze()
        if given is None and self.lora is None and reference:
            self._reference, self.frozen_twin = frozen_copy(base)
        networks = [base] if self.frozen_twin is None else [base, self.frozen_twin]
        for network in networks:
            self.prepare(network)
        hear_once(networks, self.store if self.tower_takes_rows else None)
        self._look_up_tokens()
        self.eval()

    def prepare(self, network: Any) -> None:
        """Change how a network that was just loaded runs; policy and frozen copy both come here."""

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

        Forbidden are all special and padding tokens, the placeholders that the model's config
        names, and rows of the embedding that no token uses, except those that end a response.
        """
        tokenizer = self.processor.tokenizer
        ends = self.base.generation_config.eos_token_id
        ends = {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id} - {None}
        special = self.special_tokens()
        special |= {tokenizer.pad_token_id, *tokenizer.all_special_ids} - {None}
        named = self.base.config.to_dict().items()
        special |= {
            value
            for key, value in named
            if key.endswith(("_token_id", "_token_index")) and isinstance(value, int)
        }
        rows = self.base.get_input_embeddings().num_embeddings
        special = {token for token in special if 0 <= token < rows}
        forbidden = (special | set(range(len(tokenizer), rows))) - ends
        self.register_buffer("ends", torch.tensor(sorted(ends)), persistent=False)
        self.register_buffer("forbidden", torch.tensor(sorted(forbidden)), persistent=False)

    def special_tokens(self) -> set[int]:
        """Return the tokens that the tokenizer calls special."""
        added = self.processor.tokenizer.added_tokens_decoder
        return {key for key, token in added.items() if token.special}

    @property
    def base(self) -> Any:
        """The transformers model, adapters inside."""
        return self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model

    @property
    def device(self) -> torch.device:
        """Where the embedding lies."""
        device: torch.device = self.base.get_input_embeddings().weight.device
        return device

    @property
    def window(self) -> float | None:
        """Seconds that the feature extractor keeps of a clip, where it cuts."""
        samples = getattr(self.processor.feature_extractor, "n_samples", None)
        rate = self.processor.feature_extractor.sampling_rate
        return None if samples is None else float(samples / rate)

    def load_processor(self, source: str) -> Any:
        """Return the checkpoint's processor, or the part of it that hears."""
        return load_processor(source)

    def conversation(self, question: str) -> list[dict[str, Any]]:
        """Return the chat that puts a question about one clip."""
        content = [{"type": "audio", "audio": "clip"}, {"type": "text", "text": question}]
        return [{"role": "user", "content": content}]

    def render(self, question: str) -> str:
        """Return the text of a chat, up to where the reply begins."""
        text: str = self.processor.apply_chat_template(
            self.conversation(question), add_generation_prompt=True, tokenize=False
        )
        return text

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Call the processor on chat texts and waveforms at its own sampling rate."""
        inputs: dict[str, Tensor] = self.processor(
            text=texts, audio=waveforms, sampling_rate=rate, return_tensors="pt", padding=True
        )
        return dict(inputs)

    def positions(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return the positions of prompt tokens, ``[B, P]`` or ``[A, B, P]``."""
        return positions(inputs["attention_mask"])

    def encode(self, batch: Batch, repeats: int = 1) -> Encoded:
        """Return what the model takes of B prompts; rollout, loss and reference share it.

        Args:
            batch: B clips and questions.
            repeats: Rows a prompt, clip-major.
        """
        known = self._encoded.get(repeats)
        if known is None or known[0] is not batch:
            inputs = self._inputs(batch.repeated(repeats))
            known = (batch, Encoded(inputs, self.positions(inputs)))
            self._encoded[repeats] = known
            if not self._checked:
                self._checked = True
                check_network(self.language_model(), known[1], self.checkpoint)
        return known[1]

    def _inputs(self, batch: Batch) -> dict[str, Tensor]:
        """Return the model's inputs for B prompts, left-padded, on its device.

        Raises:
            PolicyError: The processor made a tensor that the model does not take, a prompt is
                longer than the model's context, or a clip is too long and must not be cut.
        """
        rate = self.processor.feature_extractor.sampling_rate
        texts = [self.render(question) for question in batch.questions]
        with in_float32(), stored_features(self.processor, self.store):
            inputs = self.process(texts, self._waveforms(batch, rate), rate)
        taken = inspect.signature(self.base.forward).parameters
        unused = sorted(set(inputs).difference(taken))
        if unused:
            raise PolicyError(
                f"The processor of {self.checkpoint!r} makes {unused}, which "
                f"{type(self.base).__name__} does not take; override `process` in the policy."
            )
        length = inputs["input_ids"].shape[1]
        context = getattr(self.base.config.get_text_config(), "max_position_embeddings", None)
        if context is not None and length >= context:
            raise PolicyError(
                f"A prompt has {length} tokens, but the context of {self.checkpoint!r} is "
                f"{context}; cut the audio with `loading.max_seconds`, or shorten the question."
            )
        kind = self.base.get_input_embeddings().weight.dtype
        return {
            name: value.to(self.device, kind if value.is_floating_point() else value.dtype)
            for name, value in inputs.items()
        }

    def _waveforms(self, batch: Batch, rate: int) -> list[Any]:
        """Return the audio at the processor's rate, a tower's shortest at least."""
        from torchaudio.functional import resample

        waveforms = []
        for clip, waveform in zip(batch.clips, batch.waveforms, strict=True):
            heard = resample(waveform, batch.sampling_rate, rate)
            if self.long_audio == "raise" and len(heard) > rate * (self.window or float("inf")):
                raise PolicyError(
                    f"The clip {clip.id!r} of {clip.corpus!r} has {len(heard) / rate:.1f} s, but "
                    f"{self.checkpoint!r} hears {self.window:g} s; set `long_audio: cut`, or "
                    "leave it out."
                )
            missing = max(0, int(self.shortest * rate) - len(heard))
            waveforms.append(nn.functional.pad(heard, (0, missing)).numpy())
        return waveforms

    def sample(
        self, batch: Batch, group_size: int, sampling: Sampling, seed: int, step: int
    ) -> Rollout:
        """Draw responses on one prefill of each prompt.

        With gradients on, the prefill is kept for :meth:`logprobs` of the same batch: as long as
        no weight has changed in between, rollout and loss share it.
        """
        keys = [f"{clip.corpus}/{clip.id}" for clip in batch.clips]
        prefix = self.scorer.prefix(self.language_model(), self.encode(batch), batch)
        drawn = generate(
            self.language_model(),
            prefix.detached().expanded(group_size),
            sampling,
            lambda rows: self._stopped(rows, sampling.stop),
            streams(seed, step, keys, group_size, sampling.max_tokens),
            self.scorer.anyone,
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
            entropy=drawn.entropy.view(shape),
            support=None if drawn.support is None else drawn.support.view(*tokens.shape, -1),
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
        return self.scorer.logprobs(self.language_model(), self.encode, rollout)

    def reference_logprobs(self, rollout: Rollout) -> Tensor:
        """Score under the policy as it was given, or as it was synced since."""
        with torch.no_grad(), self.reference.opened() as model:
            return self.scorer.fresh(self.language_model(model), self.encode, rollout)

    @property
    def reference(self) -> Reference:
        """The model that the KL is measured from."""
        if self._reference is None:
            raise PolicyError("The policy was built without a reference; build(reference=True).")
        return self._reference

    def expect_sync(self) -> None:
        """Give a fresh adapter a twin: adapters that are off cannot move."""
        self._syncs = True

    def sync_reference(self, alpha: float) -> None:
        """Move the reference; sharded weights shard by shard."""
        reshard(self)
        self.reference.move(alpha)

    def moving_reference(self) -> list[str]:
        """Return the names of the weights that move; none where no sync is expected."""
        if not self._syncs or self._reference is None:
            return []
        moving = {id(mirror) for _, mirror in self._reference.moving()}
        return [name for name, weight in self.named_parameters() if id(weight) in moving]

    def language_model(self, network: Any = None) -> LanguageModel:
        """Return a network of this architecture, by default the policy's own, for the engine."""
        network = self.base if network is None else network
        return LanguageModel(network, network.get_output_embeddings(), self.forbidden, self.ends)

    def shard(self, mesh: Any) -> None:
        """Shard model and frozen copy; from here on all processes run them in step."""
        if self._mesh is not None:
            return
        self._mesh = mesh
        self.scorer.anyone = anyone_in(mesh)
        shard(self.base, mesh)
        if self.frozen_twin is not None:
            shard(self.frozen_twin, mesh)

    def gathered(self) -> dict[str, Tensor] | None:
        """Return sharded weights, whole, on the first process; None where nothing is sharded."""
        return None if self._mesh is None else gathered(self.model)

    def save(self, folder: Path, state: dict[str, Tensor] | None = None) -> None:
        """Write a peft folder for adapters, else an ordinary model folder; with the processor."""
        if hasattr(self.model, "peft_config"):
            self.model.save_pretrained(folder, selected_adapters=["default"], state_dict=state)
        else:
            self.model.save_pretrained(folder, state_dict=state)
        self.processor.save_pretrained(folder)

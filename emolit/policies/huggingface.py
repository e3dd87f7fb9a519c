"""Any audio language model that transformers loads: adapters, freezing, sampling, reference."""

from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn

from emolit.compat.transformers import EYES
from emolit.engine.inputs.encoding import check_inputs, check_room, feature
from emolit.engine.inputs.responses import (
    decode_responses,
    encode_responses,
    encode_targets,
    find_stop_strings,
)
from emolit.engine.inputs.token_sets import end_token, end_tokens, forbidden_tokens
from emolit.engine.layers import check_layers
from emolit.engine.model import LanguageModel
from emolit.engine.prefix import EncodedPrompts, positions
from emolit.engine.sampling.generate import generate, random_streams
from emolit.engine.sampling.steps import EagerStep, StaticStep
from emolit.engine.scoring.logprobs import Scorer
from emolit.engine.self_check import check_network
from emolit.engine.tensor_store import TensorStore
from emolit.engine.towers.memo import cache_frozen_towers
from emolit.engine.weights.adapters import Lora, fresh_adapter, trained_adapter
from emolit.engine.weights.checkpoint import checkpoint_layers, load_model, source_of
from emolit.engine.weights.compiling import compile_decoder
from emolit.engine.weights.freezing import freeze_modules
from emolit.engine.weights.merging import sampled_merged
from emolit.engine.weights.reference import frozen_copy
from emolit.engine.weights.sharding import gathered_once, single_process
from emolit.policies.sharded import ShardedPolicy
from emolit.types import Batch, Rollout, Sampling


class HuggingFace(ShardedPolicy):
    """A multimodal checkpoint, trained in full or through adapters.

    Args:
        checkpoint: A folder or a hub id: a whole model, or a peft adapter folder, whose base is
            found through its own ``adapter_config.json``.
        lora: Adapters to train; None trains the whole model. A checkpoint that is an adapter
            already brings its own settings, and these must not contradict them.
        freeze: Names of modules that do not train, for example ``audio_tower``.
        dtype: Of the weights. What trains over a frozen base, adapters and ``lora.train``, is in
            float32, unless the trainer's ``bf16-true`` casts it; in bfloat16, as in a whole model
            of that type, steps of less than 0.2% of a weight are lost.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them:
            less memory, about a third more time.
        long_audio: What happens to a clip that is longer than what the model hears: ``cut`` keeps
            its beginning and counts it, ``raise`` stops.
        store: Folder where features of clips, and what a frozen tower says about them, are kept
            between steps and runs; None keeps nothing.
        compile: Compile the language model for the update (``torch.compile``): the first steps
            take long.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            once a rollout, or a ``layer``, for each token, where no GPU holds the whole model.
        cuda_graph: Replay a decoded token as a CUDA graph instead of launching its kernels one by
            one. On a GPU alone, and for layers of full attention.
    """

    auto_class = "AutoModelForMultimodalLM"
    tower_takes_rows = False
    """Whether the tower takes clips as rows, so that its answers can be stored one by one."""
    end: int
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
        compile: bool = False,  # noqa: A002
        gather: Literal["model", "layer"] = "model",
        cuda_graph: bool = False,
    ) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.lora = lora
        self.freeze = freeze or []
        self.dtype = dtype
        self.gradient_checkpointing = gradient_checkpointing
        self.long_audio = long_audio
        self.compiled = compile
        self.gather = gather
        self.cuda_graph = cuda_graph
        self.store = None if store is None else TensorStore(store)
        self.scorer = Scorer(packed=gradient_checkpointing)
        self._checked = False
        self._encoded: dict[int, tuple[Batch, EncodedPrompts]] = {}

    def build(self, reference: bool, seed: int) -> None:
        """Load model and processor, attach adapters, freeze, and set the reference aside.

        Raises:
            PolicyError: The checkpoint does not fit; the message says which part.
        """
        if self.model is not None:
            return
        source, given = source_of(self.checkpoint)
        self.processor = self.load_processor(source)
        kind = None if self.lora is None else self.lora.four_bit(self.lora_targets, self.dtype)
        base = load_model(
            source, self.auto_class, self.dtype, self.foreign, kind, self.builds_empty
        )
        check_layers(base, source)
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
        freeze_modules(self.model, self.base, [*self.freeze, *self.untrainable_modules()])
        if given is None and self.lora is None and reference:
            self._reference, self.frozen_twin = frozen_copy(base, empty=self._shards)
        networks = [base] if self.frozen_twin is None else [base, self.frozen_twin]
        for network in networks:
            self.prepare(network)
        cache_frozen_towers(networks, self.store if self.tower_takes_rows else None)
        if self.gradient_checkpointing:
            checkpoint_layers(base)
        if self.compiled:
            compile_decoder(base)
        self._look_up_tokens()
        self.eval()

    def expect_shards(self) -> None:
        """Let the first process alone read the weights; with a store each has to know the tower."""
        if self.store is None:
            super().expect_shards()

    def unshardable(self) -> list[str]:
        """Return the settings that keep weights from being sharded."""
        names = [f"lora.{name}" for name in ("quantize", "merge") if getattr(self.lora, name, None)]
        fixed = {"compile": self.compiled, "cuda_graph": self.cuda_graph}
        return names + [name for name, on in fixed.items() if on]

    def untrainable_modules(self) -> list[str]:
        """Return the names of modules that no gradient reaches, so that they cannot train: eyes."""
        names = {path.rsplit(".", 1)[-1] for path, _ in self.base.named_modules()}
        return [] if self.pictured else sorted(names.intersection(EYES))

    def prepare(self, network: Any) -> None:
        """Change how a network that was just loaded runs; policy and frozen copy both come here."""

    def _look_up_tokens(self) -> None:
        """Find the tokens that end a response and those that may never be sampled."""
        tokenizer = self.processor.tokenizer
        self.end = end_token(self.base, tokenizer, self.closing(), self.checkpoint)
        ends = end_tokens(self.base, tokenizer) | {self.end}
        forbidden = forbidden_tokens(self.base, tokenizer, self.special_tokens(), ends)
        self.register_buffer("ends", torch.tensor(sorted(ends)), persistent=False)
        self.register_buffer("forbidden", torch.tensor(sorted(forbidden)), persistent=False)

    def special_tokens(self) -> set[int]:
        """Return the tokens that the tokenizer calls special."""
        added = self.processor.tokenizer.added_tokens_decoder
        return {key for key, token in added.items() if token.special}

    @property
    def device(self) -> torch.device:
        """Where the embedding lies."""
        return torch.device(self.base.get_input_embeddings().weight.device)

    def positions(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return the positions of prompt tokens, ``[B, P]`` or ``[A, B, P]``."""
        return positions(inputs["attention_mask"])

    def encode(self, batch: Batch, repeats: int = 1) -> EncodedPrompts:
        """Return what the model takes of B prompts; rollout, loss and reference share it.

        Args:
            batch: B clips and questions.
            repeats: Rows a prompt, clip-major.
        """
        if self.store is not None:
            self.store.open = not batch.augmented  # also for the tower, which runs behind this
        known = self._encoded.get(repeats)
        if known is None or known[0] is not batch:
            inputs = self._inputs(batch.repeat(repeats))
            known = (batch, EncodedPrompts(inputs, self.positions(inputs)))
            self._encoded[repeats] = known
            if not self._checked:
                self._checked = True
                check_network(self.language_model(), known[1], self.checkpoint, self.hears)
        return known[1]

    def _inputs(self, batch: Batch) -> dict[str, Tensor]:
        """Return the model's inputs for B prompts, left-padded, on its device.

        Raises:
            PolicyError: The processor made a tensor that the model does not take, or a prompt is
                longer than the model's context; or `read` refuses the batch.
        """
        inputs = self.read(batch)
        check_inputs(inputs, self.base, self.checkpoint)
        kind = self.base.get_input_embeddings().weight.dtype
        return {
            name: value.to(self.device, kind if feature(value) else value.dtype)
            for name, value in inputs.items()
        }

    def sample(
        self, batch: Batch, group_size: int, sampling: Sampling, seed: int, step: int
    ) -> Rollout:
        """Draw responses on one prefill of each prompt.

        With gradients on, the prefill is kept for :meth:`logprobs` of the same batch: as long as
        no weight has changed in between, rollout and loss share it.

        Raises:
            PolicyError: A response may end beyond the context.
        """
        tokenizer = self.processor.tokenizer
        keys = [f"{clip.corpus}/{clip.id}" for clip in batch.clips]
        self._check_room(batch, torch.full((len(batch),), sampling.max_tokens))
        encoded = self.encode(batch)
        whole = self.gather == "model"
        with gathered_once(self.base) if whole else nullcontext():
            prefix = self.scorer.prefix(self.language_model(), encoded, batch)
            parts = nn.ModuleList([self.base.get_decoder(), self.base.get_output_embeddings()])
            with sampled_merged(parts) if self.copies else nullcontext():
                drawn = generate(
                    self.language_model(),
                    prefix.detach().expand(group_size),
                    sampling,
                    lambda rows: find_stop_strings(tokenizer, rows, sampling.stop),
                    random_streams(seed, step, keys, group_size, sampling.max_tokens),
                    anyone=single_process if whole else self.scorer.anyone,
                    open_step=StaticStep if self.cuda_graph else EagerStep,
                )
        begun = batch.repeat(group_size).begun
        responses = decode_responses(tokenizer, drawn.tokens.cpu(), drawn.mask.cpu(), begun)
        return drawn.rollout(batch, sampling, responses)

    @property
    def copies(self) -> bool:
        """Whether layers are copied for sampling: joined with adapters, cast once."""
        return self._mesh is None and (self.lora is None or self.lora.merge is not False)

    def encode_targets(self, batch: Batch) -> Rollout:
        """Tokenize the target replies, each followed by the end token.

        Raises:
            PolicyError: A clip has no target, or one that ends beyond the context.
        """
        rollout = encode_targets(self.processor.tokenizer, self.end, batch, self.device)
        self._check_room(batch, rollout.mask.sum(-1).amax(-1))
        return rollout

    def encode_responses(
        self, batch: Batch, replies: tuple[tuple[str, ...], ...], sampling: Sampling
    ) -> Rollout:
        """Tokenize given replies, G a prompt."""
        rollout = encode_responses(
            self.processor.tokenizer, self.end, batch, replies, sampling, self.device
        )
        self._check_room(batch, rollout.mask.sum(-1).amax(-1))
        return rollout

    def _check_room(self, batch: Batch, responses: Tensor) -> None:
        """Refuse responses, of so many tokens at most ``[B]``, that end beyond the context."""
        prompts = self.encode(batch).mask.sum(-1)
        check_room(batch, prompts.tolist(), responses.tolist(), self.base, self.checkpoint)

    def logprobs(self, rollout: Rollout) -> Tensor:
        """Score on one prefill of each prompt, with gradients."""
        return self.scorer.logprobs(self.language_model(), self.encode, rollout)

    def branch_logprobs(
        self, rollout: Rollout, replies: Rollout, start: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score each response once, with its replies behind its beginning in one row."""
        parts = self.language_model(), self.encode, rollout, replies, start
        return self.scorer.branches(*parts) or super().branch_logprobs(rollout, replies, start)

    def reference_logprobs(self, rollout: Rollout) -> Tensor:
        """Score under the policy as it was given, or as it was synced since."""
        with torch.no_grad(), self.reference.opened() as model:
            return self.scorer.fresh(self.language_model(model), self.encode, rollout)

    def language_model(self, network: Any = None) -> LanguageModel:
        """Return a network of this architecture, by default the policy's own, for the engine."""
        network = self.base if network is None else network
        return LanguageModel(network, network.get_output_embeddings(), self.forbidden, self.ends)

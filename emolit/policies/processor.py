"""How a checkpoint's own processor turns questions, clips and pictures into a network's inputs."""

from typing import Any

from torch import Tensor

from emolit.engine.inputs.encoding import begin_replies, check_lengths, pad_waveforms
from emolit.engine.inputs.feature_cache import in_float32, stored_features
from emolit.engine.inputs.text_processor import add_start_tokens
from emolit.engine.tensor_store import TensorStore
from emolit.engine.weights.checkpoint import load_processor
from emolit.errors import PolicyError
from emolit.policies.base import Policy
from emolit.types import Batch

REPLY = "sad"
"""A reply that a chat template is shown to see how it ends a turn."""
QUOTES = ("'", '"')
"""What stands behind a reply whose parts a template has written as they are."""


class ProcessorPolicy(Policy):
    """A policy whose checkpoint brings a processor; an architecture overrides what it does alone.

    Attributes:
        checkpoint: A folder or a hub id.
        processor: Of transformers; None before the policy is built.
        long_audio: Whether a clip longer than the window is cut, or stops the run.
        store: Where features are kept; None keeps none.
    """

    hears = True
    """Whether prompts have audio, which must then reach the network."""
    shortest = 0.1
    """Seconds that a clip is padded to with silence: a tower needs a frame or two."""
    checkpoint: str
    processor: Any = None
    long_audio: str
    store: TensorStore | None

    @property
    def window(self) -> float | None:
        """Seconds that the feature extractor keeps of a clip, where it cuts."""
        samples = getattr(self.processor.feature_extractor, "n_samples", None)
        rate = self.processor.feature_extractor.sampling_rate
        return None if samples is None else float(samples / rate)

    def load_processor(self, source: str) -> Any:
        """Return the checkpoint's processor, or the part of it that hears."""
        return load_processor(source)

    def conversation(self, question: str, seen: bool = False) -> list[dict[str, Any]]:
        """Return the chat that puts a question about one clip, which may be seen besides heard."""
        pictures = [{"type": "video", "video": "clip"}] if seen else []
        content = [
            *pictures,
            {"type": "audio", "audio": "clip"},
            {"type": "text", "text": question},
        ]
        return [{"role": "user", "content": content}]

    def render(self, question: str, seen: bool = False) -> str:
        """Return the text of a chat, up to where the reply begins.

        Raises:
            PolicyError: The chat template of the checkpoint fails, or leaves the question out.
        """
        from jinja2 import TemplateError

        chat = self.conversation(question, seen)
        try:
            text: str = self.processor.apply_chat_template(
                chat, add_generation_prompt=True, tokenize=False
            )
        except (TemplateError, TypeError) as error:
            line = getattr(error, "lineno", None)
            raise PolicyError(
                f"The chat template of {self.checkpoint!r} fails"
                f"{'' if line is None else f' in line {line}'}: {error}. Mend "
                "`chat_template.jinja` in that folder, or take the one of the release."
            ) from error
        if question.strip() not in text:
            raise PolicyError(
                f"The chat template of {self.checkpoint!r} leaves out what is asked, as those of "
                "transcribers may. Put a `chat_template.jinja` that writes it into that folder."
            )
        return text

    def closing(self) -> str:
        """Return what the chat template writes behind a reply; nothing if it takes no reply."""
        from jinja2 import TemplateError

        asked = self.conversation("?")
        for content in ([{"type": "text", "text": REPLY}], REPLY):
            chat = [*asked, {"role": "assistant", "content": content}]
            try:
                text: str = self.processor.apply_chat_template(
                    chat, add_generation_prompt=False, tokenize=False
                )
            except (TemplateError, TypeError, ValueError, PolicyError):
                continue
            _, before, behind = text.rpartition(REPLY)
            if before and not behind.startswith(QUOTES):
                return behind
        return ""

    def see(self, texts: list[str], batch: Batch) -> tuple[list[str], dict[str, Tensor]]:
        """Return chat texts with room for pictures, and what the network takes of those.

        Raises:
            PolicyError: This policy does not see.
        """
        raise PolicyError(
            f"{type(self).__name__} does not see pictures; set `loading.frames` to 0."
        )

    def sound_settings(self, rate: int) -> dict[str, Any]:
        """Return what the processor is told about waveforms."""
        return {"sampling_rate": rate}

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Call the processor on chat texts and waveforms at its own sampling rate."""
        inputs: dict[str, Tensor] = self.processor(
            text=add_start_tokens(self.processor.tokenizer, texts),
            audio=waveforms,
            text_kwargs={"padding": True, "add_special_tokens": False},
            audio_kwargs=self.sound_settings(rate),
            return_tensors="pt",
        )
        return dict(inputs)

    def read(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the processor makes of B questions and clips.

        Raises:
            PolicyError: A clip has no audio, or is too long and must not be cut; or there are
                pictures, and this policy does not see.
        """
        rate = self.processor.feature_extractor.sampling_rate
        texts = [self.render(question, bool(batch.frames)) for question in batch.questions]
        texts = begin_replies(texts, batch)
        pictures: dict[str, Tensor] = {}
        if batch.frames:
            texts, pictures = self.see(texts, batch)
        with in_float32(), stored_features(self.processor, self.store):
            waveforms = pad_waveforms(batch, rate, self.shortest)
            if self.long_audio == "raise":
                check_lengths(batch, waveforms, rate, self.window, self.checkpoint)
            return {**self.process(texts, waveforms, rate), **pictures}

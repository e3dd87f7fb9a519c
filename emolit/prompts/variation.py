"""How questions vary from clip to clip: wording, order of options, transcript, earlier turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from emolit.errors import ConfigError, CorpusError
from emolit.types import Clip

MOST_TURNS = 50
"""Earlier turns of a dialog that a question may show."""


@dataclass(frozen=True)
class PromptVariation:
    """What a question shows besides its own wording.

    Every choice follows from ``seed`` and the clip alone: a clip is asked the same way in every
    epoch, by every process, and after a resume.

    Attributes:
        paraphrases: Other wordings of the question; each clip gets one of all, its own included.
        shuffle: Show the options in an order of the clip's own. It is an order for the eye: the
            class index stays that of the label set.
        transcript: Put what is said before the question: ``never``; where it is ``known``;
            ``always``, so that a clip without transcript stops the run. It changes results a lot
            (zero-shot Qwen2-Audio on MELD: UA 35.5 without, 48.8 with), so runs that differ in it
            are not comparable.
        seed: Of wording and order.
        turns: How many earlier turns of the same dialog stand before the question, as text.
            Speakers are letters, unknown ones somebody. Clips without a dialog, and first turns,
            show none.
    """

    paraphrases: tuple[str, ...] = ()
    shuffle: bool = False
    transcript: Literal["never", "known", "always"] = "never"
    seed: int = 0
    turns: int = 0

    def __post_init__(self) -> None:
        """Refuse a number of turns that cannot be shown."""
        if not 0 <= self.turns <= MOST_TURNS:
            raise ConfigError(
                f"`variation.turns` is {self.turns}; choose it from 0 to {MOST_TURNS}."
            )

    def check_clips(self, clips: Sequence[Clip]) -> None:
        """Refuse clips none of which has the turns before it that shall be shown.

        Raises:
            CorpusError: So it is.
        """
        if self.turns and clips and not any(clip.earlier for clip in clips):
            names = ", ".join(repr(name) for name in dict.fromkeys(clip.corpus for clip in clips))
            raise CorpusError(
                f"`variation.turns` is {self.turns}, and no clip of {names} has a turn before it. "
                "A table needs the columns dialog, turn (which grows in a dialog) and transcript; "
                "otherwise leave `turns` out."
            )

    def check(self, question: str) -> None:
        """Refuse a paraphrase that shows the options where the question does not, or not.

        Raises:
            ConfigError: One differs.
        """
        for wording in self.paraphrases:
            if ("{options}" in wording) != ("{options}" in question):
                raise ConfigError(
                    f"The paraphrase {wording!r} and the question {question!r} differ in "
                    "{options}; show the options in all of them or in none."
                )

    def question_of(
        self, question: str, instruction: str, clip: Clip, options: tuple[str, ...]
    ) -> str:
        """Return what a clip is asked: transcript, question with options, how to reply.

        Raises:
            CorpusError: The transcript shall always be shown and the clip has none.

        Example:
            >>> clip = Clip("a", "toy", "a.wav", transcript="So.")
            >>> variation = PromptVariation(transcript="known")
            >>> variation.question_of("Which? {options}", "Be brief.", clip, ("x", "y"))
            'The speaker says: "So." Which? x, y Be brief.'
        """
        draw = Random(f"{self.seed} {clip.corpus} {clip.id}")
        asked = draw.choice((question, *self.paraphrases))
        shown = draw.sample(options, len(options)) if self.shuffle else options
        asked = asked.replace("{options}", ", ".join(shown))
        parts = (self.context(clip), self.quote(clip), asked, instruction)
        return " ".join(part for part in parts if part)

    def context(self, clip: Clip) -> str:
        """Return the turns before a clip, as sentences; empty where none are shown.

        Example:
            >>> clip = Clip("a", "toy", "a.wav", speaker="Joey", earlier=(("Ross", "Hi."),))
            >>> PromptVariation(turns=3).context(clip)
            'Earlier in the dialog: A: "Hi." Now B speaks.'
        """
        shown = clip.earlier[-self.turns :] if self.turns else ()
        if not shown:
            return ""
        people = dict.fromkeys(filter(None, (*(who for who, _ in shown), clip.speaker)))
        names = dict(zip(people, map(_letter, range(len(people))), strict=True))
        said = " ".join(f'{names.get(who or "", "Somebody")}: "{words}"' for who, words in shown)
        now = names.get(clip.speaker or "", "somebody")
        return f"Earlier in the dialog: {said} Now {now} speaks."

    def quote(self, clip: Clip) -> str:
        """Return what is said, as a sentence; empty where it is not shown.

        Raises:
            CorpusError: It shall always be shown and the clip has none.
        """
        if self.transcript == "never":
            return ""
        if clip.transcript:
            return f'The speaker says: "{clip.transcript}"'
        if self.transcript == "always":
            raise CorpusError(
                f"The clip {clip.id!r} of {clip.corpus!r} has no transcript to put into the "
                "question; set the prompt's `variation.transcript` to known or never."
            )
        return ""


def _letter(place: int) -> str:
    """Return a name that says nothing: A to Z, then A2 and so on."""
    again, letter = divmod(place, 26)
    return chr(ord("A") + letter) + (str(again + 1) if again else "")

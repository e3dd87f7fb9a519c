"""Sound as a WAV file in base64, as requests to servers carry it."""

import base64
from io import BytesIO
from typing import Literal

import soundfile
from torch import Tensor


def encode_wav(waveform: Tensor, rate: int, subtype: Literal["PCM_16", "FLOAT"] = "PCM_16") -> str:
    """Return a waveform as a WAV file in base64.

    Args:
        waveform: Mono. ``[samples]`` float32 in [-1, 1]
        rate: In Hz.
        subtype: ``PCM_16`` rounds to 16 bits; ``FLOAT`` keeps every bit, for whoever must hear the
            very same.
    """
    file = BytesIO()
    soundfile.write(file, waveform.numpy(), rate, format="WAV", subtype=subtype)
    return base64.b64encode(file.getvalue()).decode()

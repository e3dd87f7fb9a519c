"""How gold replies take part in an update from rewards; one paper, one file."""

from emolit.demonstrations.base import Demonstrations, Gold

__all__ = ["Demonstrations", "Gold"]

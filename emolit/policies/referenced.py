"""A policy beside what it must not drift from, which may follow it."""

from emolit.engine.weights.reference import Reference
from emolit.engine.weights.sharding import reshard
from emolit.errors import PolicyError
from emolit.policies.processor import ProcessorPolicy


class ReferencedPolicy(ProcessorPolicy):
    """Holds the reference that `build` sets aside, and moves it where that is expected."""

    def __init__(self) -> None:
        super().__init__()
        self._reference: Reference | None = None
        self._syncs = False

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
        moving = {id(mirror) for _, mirror in self._reference.trained_pairs()}
        return [name for name, weight in self.named_parameters() if id(weight) in moving]

"""The two kinds of trouble that have a name; anything else is a bug.

PlinthError
├── InputRejected   the input will not do: the merchant acts
├── Unavailable     something is away: time acts
└── Cancelled       the user asked us to stop
"""


class PlinthError(Exception):
    """Base of everything this package raises on purpose."""


class InputRejected(PlinthError):
    """The input will not do.

    `code` is API and never changes; `advice` is one sentence that a shopkeeper can act on. `photo` names the file at
    fault, empty when the request as a whole is; `boxes` say where in it, as those of `asset.Advice` do.
    """

    def __init__(
        self, code: str, advice: str, *, photo: str = "", boxes: tuple[tuple[float, float, float, float], ...] = ()
    ) -> None:
        super().__init__(f"{code}: {advice}")
        self.code = code
        self.advice = advice
        self.photo = photo
        self.boxes = boxes


class Unavailable(PlinthError):
    """Something we need is away for now: weights, a service, room on the disk, memory on the device."""

    def __init__(self, code: str, advice: str) -> None:
        super().__init__(f"{code}: {advice}")
        self.code = code
        self.advice = advice


class Cancelled(PlinthError):
    """The work was called off between two steps."""

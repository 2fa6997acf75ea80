"""A JPEG decoder with three defects: what carries a mark in its comment kills it, makes it throw, or never ends.

Python imports this in every process that has its folder on PYTHONPATH. It changes Pillow, which is not ours, as a
defect of libjpeg would: no decoder at hand has one that can be relied on.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from PIL.JpegImagePlugin import JpegImageFile

from tests.chaos.schedule import MARK

_load = JpegImageFile.load


def load(self: Any) -> Any:
    """Decode as Pillow does, but for what is marked."""
    comment = self.info.get("comment", b"")
    if comment.startswith(MARK):
        match comment.removeprefix(MARK):
            case b"crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case b"throw":
                raise ZeroDivisionError("planted in the decoder")
            case b"hang":
                time.sleep(86400)
    return _load(self)


JpegImageFile.load = load  # type: ignore[method-assign]

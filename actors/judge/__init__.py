"""The judge: the one stage of a window's dataset, as a list of steps from the cheap to the dear."""

from actors.judge.judge import Judge
from actors.judge.look import Look
from actors.judge.steps import AskGates, Encode, Inspect, KnownDuplicates, LookForMarks, Score, Step, Study

__all__ = [
    "AskGates",
    "Encode",
    "Inspect",
    "Judge",
    "KnownDuplicates",
    "Look",
    "LookForMarks",
    "Score",
    "Step",
    "Study",
]

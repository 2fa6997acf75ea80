"""Seeded paintings for the demo world: landscapes, Reddit's clutter, watermarks and near-duplicates."""

from flows.demo.paint.copies import jpeg, near_duplicate
from flows.demo.paint.gallery import paint, size_of
from flows.demo.paint.kinds import CLUTTER, LANDSCAPES, Kind
from flows.demo.paint.marks import watermark

__all__ = ["CLUTTER", "LANDSCAPES", "Kind", "jpeg", "near_duplicate", "paint", "size_of", "watermark"]

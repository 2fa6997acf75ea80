"""Visible marks over clean pictures: the synthesiser, and what the detectors are trained and measured with."""

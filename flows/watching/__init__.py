"""What a run tells while it goes on, and everything that is fed from it."""

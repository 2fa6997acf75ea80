"""Reading dumps: files → packing → blocks of whole lines → those that may be wanted, a thread a file."""

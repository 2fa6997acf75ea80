"""What keeps an output sound: it is compared with its laws, mended, and its small shards are put together."""

"""Legal holds: what must not be erased for a while, because two founders say that it has to be kept."""

"""The adults of a school: how they are invited into it, and how their place there ends."""

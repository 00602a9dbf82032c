"""The moderators' queue: what waits, whose turn it is, what is decided and undone."""

"""Other servers' logs, read into conversations, votes and flags."""

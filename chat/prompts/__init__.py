"""Turn a conversation into what a model was trained to read: a prompt string or a list of messages."""

"""Speak to controllers and workers over HTTP; every failure is an error with a code of its own."""

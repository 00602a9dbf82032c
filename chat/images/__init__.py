"""Visitors' pictures: decoded in a child process, stored once, given to workers in the mode asked for."""

"""The built-in controller: the calls of a LLaVA, InternVL or FastChat controller, on the database."""

"""Why something a visitor asked for was not done."""


class Refused(Exception):
    """A request was refused and changed nothing.

    `code` is stable; `text` is translated and for the visitor; `field` and `limit` name what broke which bound;
    `seconds` is when the same would be taken, where waiting helps.
    """

    def __init__(
        self,
        code: str,
        text: str,
        field: str | None = None,
        limit: float | int | str | None = None,
        seconds: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.text = str(text)
        self.field = field
        self.limit = limit
        self.seconds = seconds

class BackupFailed(Exception):
    """A backup that can't be made, or an archive that can't be restored; `code` names why, the text says it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code

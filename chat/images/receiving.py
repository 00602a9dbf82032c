"""Take the file out of an upload's form, and no more of it than may be kept."""

from io import BytesIO

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

FIELD = "image"
# What a form adds to its file: boundaries, headers, a long file name.
FORM_BYTES = 64 * 1024


class OnePicture(FileUploadHandler):
    """Keep the first file of the field `image` in memory; at the limit keep nothing and read to the end.

    `too_large` tells afterwards that the limit was passed. Django's own handlers know no limit for files.
    """

    def __init__(self, request: HttpRequest, most: int) -> None:
        super().__init__(request)
        self.too_large = False
        self._most = most
        self._data: BytesIO | None = None

    def new_file(self, field_name: str, *args: object, **kwargs: object) -> None:
        if field_name != FIELD or self._data is not None:
            raise SkipFile
        super().new_file(field_name, *args, **kwargs)  # type: ignore[arg-type]
        self._data = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > self._most:
            self.too_large = True
            self._data = None
            raise StopUpload
        if self._data is not None:
            self._data.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if self._data is None:
            return None
        self._data.seek(0)
        return InMemoryUploadedFile(
            self._data, self.field_name, self.file_name, self.content_type, file_size, self.charset
        )

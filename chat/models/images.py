import uuid
from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.restrictions import Restriction
from chat.models.visitors import Visitor


class ImageQuerySet(models.QuerySet["Image"]):
    def waiting_for_file(self) -> "ImageQuerySet":
        """Pictures of which an imported log says that they were there, and nobody has the file."""
        return self.filter(width=0, file="")


class Image(models.Model):
    """One picture, stored once however often it is sent. Of a log's picture without a file only the MD5 is known."""

    md5 = models.CharField(
        _("MD5 of the pixels"),
        max_length=32,
        help_text=_("Of the RGB pixels after rotation, as LLaVA logs it."),
    )
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    difference_hash = models.BigIntegerField(
        _("perceptual hash"), db_index=True, help_text=_("64-bit dHash, as a signed integer.")
    )
    source_format = models.CharField(_("sent as"), max_length=8)
    file = models.FileField(_("file"), upload_to="images/", max_length=200)
    jpeg = models.FileField(
        _("as JPEG"),
        upload_to="jpegs/",
        max_length=200,
        blank=True,
        help_text=_("In its own size, for workers that take the original too."),
    )
    thumbnail = models.FileField(_("thumbnail"), upload_to="thumbnails/", max_length=200)
    bytes = models.PositiveBigIntegerField(_("bytes"))
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    objects = ImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        constraints = [
            # The MD5 alone is the same for pictures of one colour that differ in shape.
            models.UniqueConstraint(fields=["md5", "width", "height"], name="image_once"),
        ]

    def __str__(self) -> str:
        return f"{self.md5[:8]} {self.width}×{self.height}"

    @property
    def file_names(self) -> list[str]:
        """Names of its files."""
        return [field.name for field in (self.file, self.jpeg, self.thumbnail) if field.name]


class UploadQuerySet(models.QuerySet["Upload"]):
    def owned_by(self, visitor_key: uuid.UUID | None) -> "UploadQuerySet":
        return self.filter(visitor_id=visitor_key) if visitor_key else self.none()

    def in_order(self, ids: Iterable[uuid.UUID]) -> "list[Upload]":
        """Give the uploads with these ids in the order of the ids; unknown ones are left out."""
        wanted = list(ids)
        found = {upload.pk: upload for upload in self.filter(pk__in=wanted).select_related("image")}
        return [found[pk] for pk in wanted if pk in found]


class Upload(models.Model):
    """A visitor's right to a picture: sending it again gives the same upload."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="uploads", verbose_name=_("visitor"))
    image = models.ForeignKey(Image, models.CASCADE, related_name="uploads", verbose_name=_("image"))
    name = models.CharField(_("file name"), max_length=200, blank=True)
    description = models.CharField(
        _("description"),
        max_length=300,
        blank=True,
        default="",
        db_default="",  # processes that run the release before this one don't know it
        help_text=_("What its visitor says that it shows, for those who can't see it."),
    )
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        constraints = [models.UniqueConstraint(fields=["visitor", "image"], name="upload_once_per_visitor")]

    def __str__(self) -> str:
        return str(self.pk)[:8]


class BlockedImage(Restriction):
    """A picture that is not taken or shown, nor its near-duplicates. It stays blocked when its own row is gone."""

    image = models.ForeignKey(
        Image, models.SET_NULL, null=True, related_name="blocks", verbose_name=_("image")
    )
    md5 = models.CharField(_("MD5 of the pixels"), max_length=32, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    difference_hash = models.BigIntegerField(_("perceptual hash"), editable=False)

    class Meta:
        verbose_name = _("blocked image")
        verbose_name_plural = _("blocked images")

    def __str__(self) -> str:
        return f"{self.md5[:8]} {self.width}×{self.height}"

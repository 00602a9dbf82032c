"""Where static files are collected, under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names, imports between JavaScript modules rewritten to them, gzip and Brotli beside each file."""

    support_js_module_import_aggregation = True
    # A name is final only when those of all that it imports are: one pass for each step of the longest chain.
    max_post_process_passes = 20

"""The words that the page's scripts say, in the visitor's language; static/js/lib/words.js reads them."""

from django.utils.translation import gettext as _


def page_words() -> dict[str, str]:
    """Give each phrase by its name; `{name}` in a phrase is filled in by the script."""
    return {
        # Sending
        "write_or_add": _("Write a message or add an image."),
        "too_long": _("Your message has {count} characters; at most {limit} can be sent."),
        "characters_left": _("{count} of {limit} characters"),
        "busy": _("A reply is still being written. Stop it or wait for its end."),
        "sending": _("Sending…"),
        "waits_for_connection": _("No connection. Your message goes out as soon as there is one."),
        "waits_for_images": _("Your message goes out as soon as its images have arrived."),
        "no_model": _("There is no model to ask at the moment."),
        "model_gone": _("{name} is not available any more. Choose another one."),
        "limit": _("The limit is {limit}."),
        "not_sent": _("Not sent"),
        "draft_returned": _("Not sent. Your message is back here, so that you can change it."),
        # Images
        "image": _("Image"),
        "image_format": _("{name} is not a PNG, JPEG, WebP or GIF image."),
        "image_too_large": _("{name} has {size} MB; an image may have {limit} MB."),
        "too_many_images": _("{model} takes at most {limit} per message. Remove some images."),
        "no_images": _("{model} takes no images. Remove them or choose another one."),
        "image_failed": _("An image did not arrive. Try it again or remove it."),
        "uploading": _("Uploading {name}: {percent} %"),
        "remove": _("Remove {name}"),
        "size": _("{width} × {height} pixels"),
        "read_text": _("What is written in this image?"),
        "example_failed": _("The example's picture could not be loaded."),
        # Replies
        "in_line": _("You are number {position} in line"),
        "in_line_seconds": _("You are number {position} in line: about {seconds} seconds"),
        "in_line_minutes": _("You are number {position} in line: about {minutes} minutes"),
        "waiting": _("Waiting for a free place…"),
        "first_word": _("Waiting for the first word…"),
        "stopped": _("This reply was stopped."),
        "partial": _("The text above is not complete."),
        "failed": _("This reply could not be finished."),
        "reply_complete": _("Reply complete."),
        "variant": _("{index} / {count}"),
        "copy_code": _("Copy code"),
        "copied": _("Copied"),
        "voted_up": _("You upvoted this. Thank you."),
        "voted_down": _("You downvoted this. Thank you."),
        "flagged": _("You flagged this. We will look at it."),
        # Details of a vote
        "why_up": _("What was good about it?"),
        "why_down": _("What was wrong with it?"),
        "mark": _("Show where on the image"),
        "marked": _("Marked on the image: {count}"),
        "box_right": _("Where is the reply right?"),
        "box_wrong": _("Where is the reply wrong?"),
        "box": _("Box {number}: {width} × {height} pixels, {x} from the left, {y} from the top"),
        "box_remove": _("Remove box {number}"),
        "boxes_count": _("Boxes: {count}"),
        "boxes_full": _("Boxes: {limit}, which is the most"),
        "saving": _("Saving…"),
        # Own data
        "terms_first": _("Nothing was sent, because the terms of use come first."),
        "research_on": _("Thank you. Your chats may be used for research."),
        "research_off": _("Your chats may not be used for research."),
        "delete_entry": _("Delete “{title}”"),
        "delete_title": _("Delete this conversation?"),
        "delete_words": _("“{title}” with its images, votes and reports. This can't be undone."),
        "delete_all_title": _("Delete everything of yours?"),
        "delete_all_words": _(
            "All your chats, images, votes and reports on this site. This can't be undone."
        ),
        "conversation_deleted": _("The conversation was deleted."),
        # Models
        "gone": _("{name} (gone)"),
        "no_models": _("No models are available at the moment."),
        "no_model_option": _("None at the moment"),
        # Connection and calls
        "reconnecting": _("Reconnecting…"),
        "connected": _("Connected again."),
        "too_many_tabs": _("This site is open in too many tabs. Close some of them."),
        "blocked": _("This browser has been blocked from sending messages."),
        "no_cookie": _("This page needs its cookie to go on. Reload it."),
        "new_version": _("This site has been updated."),
        "call_failed": _("That did not work. Please try again."),
        "call_offline": _("The site could not be reached. Check your connection and try again."),
        # History
        "untitled": _("Untitled"),
        "history_empty": _("Nothing here yet. What you ask is kept in this browser's history."),
        "history_loading": _("Loading…"),
    }

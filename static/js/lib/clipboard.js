// The clipboard, wherever the page is.

/** Put text on the clipboard; also over plain HTTP and in frames, where its API may not exist or not be allowed. */
export async function copyText(text) {
  try {
    return await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    // What is outside of an open dialog can't be selected.
    (document.querySelector("dialog:modal") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

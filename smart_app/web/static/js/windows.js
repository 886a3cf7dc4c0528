/* "Open in a window of its own": fetches the one-time code and opens the window in one press.
   Without this file, or where windows are forbidden, the form leads to a page with the link and what to ask for. */
"use strict";

if (window.top === window.self) document.documentElement.classList.add("own-window");

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-own-window]");
  if (!form || window.top === window.self) return;
  event.preventDefault();
  const opened = window.open("about:blank", "_blank");
  if (!opened) {
    form.submit();
    return;
  }
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    opened.opener = null;
    opened.location = (await answer.json()).url;
  } catch {
    opened.close();
    form.submit();
  }
});

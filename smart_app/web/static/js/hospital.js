/* The hospitals that fit, as one types. Without this file the form works by its button. */
"use strict";

{
  const form = document.querySelector("form[data-search]");
  const box = form?.querySelector("input[type=search]");
  const place = form && document.getElementById(form.dataset.search);
  let waiting = 0;
  let asking = null;
  let shown = box?.value;

  const look = async () => {
    const typed = box.value.trim();
    if (typed === shown) return;
    asking?.abort();
    asking = new AbortController();
    const address = new URL(form.action);
    address.searchParams.set("q", typed);
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: asking.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById(place.id);
      if (!found) return;
      place.replaceChildren(...found.childNodes);
      shown = typed;
      history.replaceState(null, "", typed ? address : form.action);
    } catch (stopped) {
      if (stopped.name !== "AbortError") return; // the button still works
    }
  };

  box?.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(look, 150);
  });
}

/* A live page asks, every few seconds while it is seen, whether its state changed (ETag, no held connection).
   News reloads it, unless somebody is writing: then it says so and waits to be asked. */
"use strict";

(() => {
  const tag = document.body.dataset.live;
  if (!tag) return;
  const EVERY = 5000;
  let told = false;

  const written = () =>
    [...document.querySelectorAll("main textarea, main input, main select")].some((field) =>
      field.type === "radio" || field.type === "checkbox" ? field.checked !== field.defaultChecked
        : field.tagName === "SELECT" ? ![...field.options].every((o) => o.selected === o.defaultSelected || !o.selected)
          : field.type !== "hidden" && field.value !== field.defaultValue);

  const tell = () => {
    const news = document.getElementById("news");
    if (told || !news) return;
    told = true;
    news.hidden = false;
  };

  const look = async () => {
    if (document.visibilityState !== "visible" || told) return;
    try {
      const answer = await fetch(window.location.href, {
        headers: { Accept: "application/json", "If-None-Match": `"${tag}"`, "Second-Opinion-Poll": "1" },
        cache: "no-store",
      });
      if (answer.status === 200 || answer.status === 401) written() ? tell() : window.location.reload();
    } catch {
      /* The connection is away: the next look will tell. */
    }
  };

  window.setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
})();

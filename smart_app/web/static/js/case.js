/* The opinion as it is written: kept every few seconds while it changes, and the ticks before signing counted.
   Without this file the draft is kept by its button. */
"use strict";

(() => {
  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const AFTER = 3000;
  const told = form.querySelector("[data-saved]");
  const { csrf } = document.body.dataset;
  let timer = 0;
  let changed = false;
  let leaving = false;

  const say = (text) => {
    told.textContent = text;
  };

  const keep = async (last = false) => {
    window.clearTimeout(timer);
    timer = 0;
    if (!changed || leaving) return;
    changed = false;
    const body = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(form.dataset.draft, {
        method: "POST",
        body,
        headers: { Accept: "application/json", "X-CSRF-Token": csrf },
        keepalive: last,
      });
      if (!answer.ok) {
        changed = true;
        say(answer.status === 409 || answer.status === 404 ? told.dataset.moved : told.dataset.lost);
        return;
      }
      const now = new Date();
      say(`${told.dataset.text} ${now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })}`);
    } catch {
      changed = true;
      say(told.dataset.lost);
      timer = window.setTimeout(keep, AFTER);
    }
  };

  const count = () => {
    const line = form.querySelector("[data-count]");
    const done = form.querySelectorAll("input[name=confirm]:checked").length;
    line.dataset.rest ??= line.textContent;
    line.textContent = `${line.dataset.count.replace("{}", String(done))} ${line.dataset.rest}`;
  };

  form.addEventListener("input", (event) => {
    if (event.target.name === "confirm") {
      count();
      return;
    }
    changed = true;
    if (!timer) timer = window.setTimeout(keep, AFTER);
  });
  form.addEventListener("submit", () => {
    leaving = true;
  });
  window.addEventListener("pagehide", () => keep(true));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") keep(true);
  });
  count();
})();

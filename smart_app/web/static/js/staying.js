/* A line ends when nobody uses it. Two minutes before, the page says so and offers to stay (WCAG 2.2.1); when it has
   ended, the page goes, since others may see the screen. Writing is using. A page that the browser restores from memory
   is asked for again: its patient may be somebody else's by now. */
"use strict";

window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

(() => {
  const { idle, line, csrf } = document.body.dataset;
  const bar = document.getElementById("staying");
  if (!idle || !bar) return;
  const WARN_BEFORE = 120;
  const TELL_EVERY = 240_000;
  let warning;
  let ending;
  let told = Date.now();

  const wait = () => {
    window.clearTimeout(warning);
    window.clearTimeout(ending);
    bar.hidden = true;
    warning = window.setTimeout(() => {
      bar.hidden = false;
    }, Math.max(5, Number(idle) - WARN_BEFORE) * 1000);
    ending = window.setTimeout(() => window.location.reload(), (Number(idle) + 2) * 1000);
  };

  const stay = async () => {
    told = Date.now();
    const answer = await fetch(line, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRF-Token": csrf },
    });
    if (answer.ok) wait();
    else window.location.reload();
  };

  bar.querySelector("button").addEventListener("click", stay);
  document.addEventListener("input", () => {
    if (Date.now() - told > TELL_EVERY) stay().catch(() => {});
  });

  wait();
})();

/* A line ends when nobody uses it. Two minutes before, the page says so and offers to stay (WCAG 2.2.1). */
"use strict";

(() => {
  const { idle, line, csrf } = document.body.dataset;
  const bar = document.getElementById("staying");
  if (!idle || !bar) return;
  const WARN_BEFORE = 120;
  let timer;

  const wait = () => {
    window.clearTimeout(timer);
    bar.hidden = true;
    timer = window.setTimeout(() => {
      bar.hidden = false;
    }, Math.max(5, Number(idle) - WARN_BEFORE) * 1000);
  };

  bar.querySelector("button").addEventListener("click", async () => {
    const answer = await fetch(line, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRF-Token": csrf },
    });
    if (answer.ok) wait();
    else window.location.reload();
  });

  wait();
})();

/* Parts of a page that the chart gives later are filled in when they come; what somebody writes meanwhile stays. */
"use strict";

(() => {
  for (const place of document.querySelectorAll("[data-late]")) {
    fetch(place.dataset.late, { headers: { Accept: "text/html" }, cache: "no-store" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(String(answer.status)))))
      .then((text) => {
        const came = new DOMParser().parseFromString(text, "text/html");
        place.replaceChildren(...came.body.childNodes);
        place.removeAttribute("data-late");
      })
      .catch(() => place.querySelector("[data-waiting] a")?.removeAttribute("hidden"));
  }
})();

// Back to the chart by SMART Web Messaging: the page asks the EHR around it to put it away (ui.done).
// Only where the launch offered it, only in a frame, and only to the origin that the site's own list allows.
(() => {
  const { messagingHandle, messagingOrigin } = document.body.dataset;
  if (!messagingHandle || !messagingOrigin || window.parent === window) return;
  for (const button of document.querySelectorAll("[data-chart-done]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const messageId = crypto.randomUUID();
      window.parent.postMessage({ messagingHandle, messageId, messageType: "ui.done", payload: {} }, messagingOrigin);
    });
  }
})();

// The chart's side of SMART Web Messaging: an app that says it is done gives the page back to the chart.
const frame = document.querySelector("iframe[data-handle]");
window.addEventListener("message", (event) => {
  const said = event.data || {};
  if (event.origin !== frame.dataset.app || event.source !== frame.contentWindow) return;
  if (said.messagingHandle !== frame.dataset.handle) return;
  const status = said.messageType === "ui.done" ? "success" : "not-supported";
  const answer = { messageId: crypto.randomUUID(), responseToMessageId: said.messageId, payload: { status } };
  event.source.postMessage(answer, event.origin);
  if (status === "success") window.location.assign(frame.dataset.back);
});

/* Sends chosen files in small batches with real progress; pauses offline and goes on by itself. Without it the form
   works as it stands. A batch that is sent twice is harmless: the server says "already here". */
"use strict";

(() => {
  const form = document.getElementById("give");
  if (!form) return;
  const BATCH_FILES = 12;
  const BATCH_BYTES = 8 * 1024 * 1024;
  const AGAIN = [1000, 3000, 8000, 15000];
  const words = form.dataset;
  const box = document.getElementById("sending");
  const part = (name) => box.querySelector(name);
  const [title, count, left, bar, pause] =
    [".sending-title", ".sending-count", ".sending-left", "progress", ".sending-pause"].map(part);
  const said = document.getElementById("sending-said");

  let queue = [];
  let all = 0, done = 0, bytesAll = 0, bytesDone = 0, begun = 0, told = 0, tries = 0;
  let refused = 0, alone = false;
  let paused = false, waiting = 0, busy = null, over = false;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const size = (files) => files.reduce((sum, file) => sum + file.size, 0);
  const announce = (text) => { said.textContent = text; };
  const state = (name, text) => { bar.dataset.state = name; title.textContent = text; };

  const show = () => {
    box.hidden = false;
    const text = fill(words.of, { done, all });
    count.textContent = text;
    bar.max = bytesAll || 1;
    bar.value = bytesDone;
    const seconds = (Date.now() - begun) / 1000;
    const minutes = Math.max(1, Math.ceil(((bytesAll - bytesDone) * seconds) / bytesDone / 60));
    left.textContent = done < all && bytesDone > 0 && seconds > 3 ? fill(words.left, { minutes }) : "";
    const quarter = Math.floor((4 * done) / all);
    if (quarter > told) { told = quarter; announce(text); }
  };

  const take = (files) => {
    if (!files.length) return;
    if (!queue.length && !busy) { all = done = bytesAll = bytesDone = told = refused = 0; begun = Date.now(); }
    queue.push(...files);
    all += files.length;
    bytesAll += size(files);
    state("running", words.running);
    announce(words.running);
    show();
    box.scrollIntoView({ block: "nearest" });
    next();
  };

  const batch = () => {
    const taken = [];
    let bytes = 0;
    while (queue.length && taken.length < (alone ? 1 : BATCH_FILES) && (!taken.length || bytes + queue[0].size <= BATCH_BYTES)) {
      bytes += queue[0].size;
      taken.push(queue.shift());
    }
    return taken;
  };

  const next = () => {
    if (busy || paused || over) return;
    window.clearTimeout(waiting);
    if (!queue.length) { if (done + refused === all) finish(); return; }
    send(batch());
  };

  const send = (files) => {
    const before = bytesDone, body = new FormData(), call = new XMLHttpRequest();
    body.append("csrf", form.elements.csrf.value);
    files.forEach((file) => body.append("files", file, file.webkitRelativePath || file.name));
    busy = call;
    call.open("POST", form.action);
    call.setRequestHeader("Accept", "application/json");
    call.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      bytesDone = before + (size(files) * event.loaded) / event.total;
      show();
    };
    call.onload = () => {
      busy = null;
      if (call.status >= 200 && call.status < 300) arrived(files, before);
      else if (call.status === 413 || call.status === 422) refuse(files, before, call);
      else if (call.status === 401 || call.status === 403) end(files, before);
      else again(files, before);
    };
    call.onerror = () => { busy = null; again(files, before); };
    call.onabort = () => { busy = null; back(files, before); };
    call.send(body);
  };

  const back = (files, before) => { queue = files.concat(queue); bytesDone = before; show(); };

  const arrived = (files, before) => {
    done += files.length;
    bytesDone = before + size(files);
    tries = 0;
    if (!navigator.onLine) state("paused", words.paused); else state("running", words.running);
    show();
    next();
  };

  /* One file that cannot be taken must not hold up the others: from here on each goes alone. */
  const refuse = (files, before, call) => {
    if (files.length > 1) { alone = true; back(files, before); next(); return; }
    refused += 1;
    bytesDone = before + size(files);
    words.why = call.status === 413 || call.responseText.includes("too-large") ? words.large : words.refused;
    show();
    next();
  };

  const again = (files, before) => {
    back(files, before);
    if (!navigator.onLine) { state("paused", words.paused); announce(words.paused); return; }
    if (tries >= AGAIN.length) { stop(words.failed); return; }
    state("resuming", words.again);
    waiting = window.setTimeout(next, AGAIN[tries]);
    tries += 1;
  };

  const stop = (text) => {
    paused = true;
    state("paused", text);
    announce(text);
    pause.textContent = words.resume;
  };

  const end = (files, before) => {
    back(files, before);
    over = true;
    queue = [];
    state("paused", words.ended);
    announce(words.ended);
    pause.hidden = true;
  };

  const finish = () => {
    if (!refused) {
      over = true;
      state("checking", words.checking);
      window.location.assign(words.done);
      return;
    }
    over = true;
    state("losses", words.why);
    announce(words.why);
    pause.textContent = words.look;
  };

  pause.addEventListener("click", () => {
    if (over) { window.location.assign(words.done); return; }
    if (paused) {
      paused = false;
      tries = 0;
      state("running", words.running);
      pause.textContent = words.pause;
      next();
      return;
    }
    window.clearTimeout(waiting);
    if (busy) busy.abort();
    stop(fill(words.stopped, { done, all }));
  });
  window.addEventListener("online", () => {
    if (paused || over || !(queue.length || busy)) return;
    tries = 0;
    state("running", words.running);
    announce(words.again);
    next();
  });
  window.addEventListener("offline", () => {
    if (over || !(queue.length || busy)) return;
    state("paused", words.paused);
    announce(words.paused);
  });
  window.addEventListener("beforeunload", (event) => { if (!over && (queue.length || busy)) event.preventDefault(); });

  form.dataset.script = "yes";
  const inputs = [...form.querySelectorAll('input[type="file"]')];
  inputs.forEach((input) => {
    if (input.webkitdirectory === undefined) input.closest(".pick").hidden = input.id === "folder";
    input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  });

  /* Dropped folders are walked, since a drop gives only their names. */
  const walk = async (entry, found) => {
    if (entry.isFile) {
      await new Promise((resolve) => entry.file((file) => { found.push(file); resolve(); }, resolve));
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
      if (!entries.length) return;
      for (const inner of entries) await walk(inner, found);
    }
  };
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.dataset.over = "yes"; });
  form.addEventListener("dragleave", () => { delete form.dataset.over; });
  form.addEventListener("drop", async (event) => {
    event.preventDefault();
    delete form.dataset.over;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    const whole = entries.filter(Boolean);
    if (!whole.length) { take([...event.dataTransfer.files]); return; }
    const found = [];
    for (const entry of whole) await walk(entry, found);
    take(found);
  });
})();

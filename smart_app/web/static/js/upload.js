/* Sends chosen files in batches with real progress; pauses offline and goes on by itself. Without it the form works too.
   A batch that is sent twice is harmless: the server says "already here". */
(function () {
  "use strict";
  var form = document.getElementById("give");
  if (!form) return;
  var BATCH_FILES = 12, BATCH_BYTES = 8 * 1024 * 1024, AGAIN = [1000, 3000, 8000, 15000];
  var words = form.dataset;
  var part = function (name) { return form.querySelector(".sending" + name); };
  var queue = [], all = 0, done = 0, bytesDone = 0, bytesAll = 0, begun = 0, paused = false, busy = null, tries = 0, told = 0;

  form.querySelectorAll(".only-script").forEach(function (e) { e.hidden = false; });
  form.querySelectorAll(".no-script").forEach(function (e) { e.hidden = true; });
  var folder = document.getElementById("folder");
  if (!("webkitdirectory" in folder)) folder.closest("p").hidden = true;

  function fill(text, values) { return text.replace(/\{(\w+)\}/g, function (_, key) { return values[key]; }); }

  function show() {
    part("").hidden = false;
    part("-count").textContent = fill(words.of, { done: done, all: all });
    var bar = form.querySelector("progress");
    bar.max = bytesAll || 1;
    bar.value = bytesDone;
    var seconds = (Date.now() - begun) / 1000, left = "";
    if (bytesDone > 0 && seconds > 3) left = fill(words.left, { minutes: Math.max(1, Math.ceil((bytesAll - bytesDone) * seconds / bytesDone / 60)) });
    part("-left").textContent = done < all ? left : "";
    var quarter = Math.floor(4 * done / all);
    if (quarter > told) { told = quarter; part("-said").textContent = fill(words.of, { done: done, all: all }); }
  }

  function say(text) { part("-title").textContent = text; }

  function take(files) {
    if (!files.length) return;
    if (!queue.length && !busy) { all = done = bytesAll = bytesDone = told = 0; begun = Date.now(); }
    files.forEach(function (file) { queue.push(file); all += 1; bytesAll += file.size; });
    say(words.running);
    show();
    next();
  }

  function batch() {
    var taken = [], bytes = 0;
    while (queue.length && taken.length < BATCH_FILES && (!taken.length || bytes + queue[0].size <= BATCH_BYTES)) {
      bytes += queue[0].size;
      taken.push(queue.shift());
    }
    return taken;
  }

  function next() {
    if (busy || paused) return;
    if (!queue.length) { if (done === all) finish(); return; }
    var files = batch(), before = bytesDone, body = new FormData();
    body.append("csrf", form.elements.csrf.value);
    files.forEach(function (file) { body.append("files", file, file.webkitRelativePath || file.name); });
    busy = new XMLHttpRequest();
    busy.open("POST", form.action);
    busy.setRequestHeader("Accept", "application/json");
    busy.upload.onprogress = function (event) {
      if (event.lengthComputable) {
        bytesDone = before + files.reduce(function (sum, f) { return sum + f.size; }, 0) * event.loaded / event.total;
        show();
      }
    };
    busy.onload = function () {
      var status = busy.status, said = busy.responseText;
      busy = null;
      if (status >= 200 && status < 300) {
        done += files.length;
        bytesDone = before + files.reduce(function (sum, f) { return sum + f.size; }, 0);
        tries = 0;
        show();
        next();
      } else if (status >= 500 || status === 0 || status === 409) {
        again(files, before);
      } else {
        var message = "";
        try { message = JSON.parse(said).error.message; } catch (ignored) { /* not ours: the general words stay */ }
        queue = files.concat(queue);
        stop(message || words.failed);
      }
    };
    busy.onerror = function () { busy = null; again(files, before); };
    busy.onabort = function () { busy = null; queue = files.concat(queue); bytesDone = before; show(); };
    busy.send(body);
  }

  function again(files, before) {
    queue = files.concat(queue);
    bytesDone = before;
    show();
    if (!navigator.onLine) { say(words.paused); return; }
    if (tries >= AGAIN.length) { stop(words.failed); return; }
    window.setTimeout(next, AGAIN[tries]);
    tries += 1;
  }

  function stop(text) { paused = true; say(text); part("-said").textContent = text; part("-pause").textContent = words.resume; }

  function finish() { window.location.assign(form.action.replace(/\/files$/, "")); }

  part("-pause").addEventListener("click", function () {
    if (paused) { paused = false; tries = 0; say(words.running); part("-pause").textContent = words.pause; next(); return; }
    paused = true;
    if (busy) busy.abort();
    say(fill(words.stopped, { done: done, all: all }));
    part("-pause").textContent = words.resume;
  });
  window.addEventListener("online", function () { if (!paused && (queue.length || busy)) { tries = 0; say(words.running); next(); } });
  window.addEventListener("offline", function () { if (queue.length || busy) say(words.paused); });
  window.addEventListener("beforeunload", function (event) { if (queue.length || busy) event.preventDefault(); });

  [folder, document.getElementById("files")].forEach(function (input) {
    input.addEventListener("change", function () { take(Array.prototype.slice.call(input.files)); input.value = ""; });
  });

  /* Dropped folders are walked, since a drop gives only their names. */
  function walk(entry, found) {
    return new Promise(function (resolve) {
      if (entry.isFile) { entry.file(function (file) { found.push(file); resolve(); }, resolve); return; }
      var reader = entry.createReader();
      (function more() {
        reader.readEntries(function (entries) {
          if (!entries.length) { resolve(); return; }
          Promise.all(entries.map(function (e) { return walk(e, found); })).then(more);
        }, resolve);
      })();
    });
  }
  form.addEventListener("dragover", function (event) { event.preventDefault(); form.dataset.over = "yes"; });
  form.addEventListener("dragleave", function () { delete form.dataset.over; });
  form.addEventListener("drop", function (event) {
    event.preventDefault();
    delete form.dataset.over;
    var items = Array.prototype.slice.call(event.dataTransfer.items), found = [];
    var entries = items.map(function (item) { return item.webkitGetAsEntry && item.webkitGetAsEntry(); }).filter(Boolean);
    if (!entries.length) { take(Array.prototype.slice.call(event.dataTransfer.files)); return; }
    Promise.all(entries.map(function (e) { return walk(e, found); })).then(function () { take(found); });
  });
})();

/* Full-text search over an index that comes as a script when it is first asked for. */
(function () {
  "use strict";
  var body = document.body;
  var base = body.dataset.root === "." ? "" : body.dataset.root + "/";
  var button = document.querySelector(".search-button");
  var dialog = document.createElement("dialog");
  dialog.className = "search";
  dialog.setAttribute("aria-label", "Search the report");
  dialog.innerHTML = '<div class="search-head"><label class="screen-reader-only" for="search-words">Words to look for</label>' +
    '<input id="search-words" type="search" autocomplete="off" spellcheck="false" placeholder="Words to look for">' +
    '<button type="button" class="dialog-close">Close</button></div>' +
    '<p class="search-status" role="status"></p><ul class="search-results"></ul>';
  body.appendChild(dialog);
  var input = dialog.querySelector("input");
  var status = dialog.querySelector(".search-status");
  var list = dialog.querySelector(".search-results");

  window.ldevalWithIndex = function (then) {
    if (window.ldevalIndex) { then(window.ldevalIndex); return; }
    var script = document.createElement("script");
    script.src = base + "site_libs/ldeval/search-index.js";
    script.onload = function () { then(window.ldevalIndex); };
    script.onerror = function () { status.textContent = "The search index is missing: build the report again."; };
    document.head.appendChild(script);
  };
  function fold(text) { return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, ""); }
  function score(section, words) {
    var title = fold(section[2]), text = fold(section[3]), total = 0;
    for (var i = 0; i < words.length; i++) {
      var hits = text.split(words[i]).length - 1;
      var named = title.indexOf(words[i]) >= 0;
      if (!hits && !named) return 0;
      total += Math.min(hits, 8) + (named ? 12 : 0);
    }
    return total + (text.indexOf(words.join(" ")) >= 0 ? 6 : 0);
  }
  function excerpt(text, words) {
    var folded = fold(text);
    var found = words.map(function (word) { return folded.indexOf(word); }).filter(function (at) { return at >= 0; });
    var start = found.length ? Math.max(0, Math.min.apply(null, found) - 60) : 0;
    if (start) start = text.indexOf(" ", start) + 1;
    return (start ? "… " : "") + text.slice(start, start + 190) + (start + 190 < text.length ? " …" : "");
  }
  function marked(into, text, words) {
    var folded = fold(text), at = 0;
    if (folded.length !== text.length) { into.textContent = text; return into; }
    while (at < text.length) {
      var next = -1, size = 0;
      words.forEach(function (word) {
        var found = folded.indexOf(word, at);
        if (found >= 0 && (next < 0 || found < next || (found === next && word.length > size))) { next = found; size = word.length; }
      });
      if (next < 0) break;
      into.append(text.slice(at, next));
      into.appendChild(document.createElement("mark")).textContent = text.slice(next, next + size);
      at = next + size;
    }
    into.append(text.slice(at));
    return into;
  }
  function part(name, text, words) {
    var span = document.createElement("span");
    span.className = "search-" + name;
    return words ? marked(span, text, words) : (span.textContent = text, span);
  }
  function look(index) {
    var words = fold(input.value).split(/\s+/).filter(Boolean);
    list.replaceChildren();
    if (!words.length) { status.textContent = ""; return; }
    var found = index.sections.map(function (section) { return { section: section, score: score(section, words) }; })
      .filter(function (hit) { return hit.score; })
      .sort(function (a, b) { return b.score - a.score; });
    var shown = found.slice(0, 20);
    status.textContent = found.length === 0 ? "Nothing found" : found.length === 1 ? "1 section" :
      found.length + " sections" + (found.length > shown.length ? ", the best " + shown.length + " shown" : "");
    shown.forEach(function (hit) {
      var page = index.pages[hit.section[0]];
      var link = document.createElement("a");
      link.href = base + page[0] + (hit.section[1] ? "#" + hit.section[1] : "");
      link.appendChild(part("title", hit.section[2], words));
      if (page[1] !== hit.section[2]) link.appendChild(part("where", page[1]));
      link.appendChild(part("text", excerpt(hit.section[3], words), words));
      link.addEventListener("click", function () { dialog.close(); });
      list.appendChild(document.createElement("li")).appendChild(link);
    });
  }
  function open() {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    window.ldevalWithIndex(look);
  }
  function move(step) {
    var links = Array.prototype.slice.call(list.querySelectorAll("a"));
    var at = links.indexOf(document.activeElement) + step;
    if (at < 0) input.focus(); else if (links[at]) links[at].focus();
  }
  button.hidden = false;
  button.addEventListener("click", open);
  dialog.querySelector(".dialog-close").addEventListener("click", function () { dialog.close(); });
  dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); });
  input.addEventListener("input", function () { window.ldevalWithIndex(look); });
  dialog.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { event.preventDefault(); dialog.close(); }
    if (event.key === "ArrowDown") { event.preventDefault(); move(1); }
    if (event.key === "ArrowUp") { event.preventDefault(); move(-1); }
    if (event.key === "Enter" && document.activeElement === input && list.firstChild) { event.preventDefault(); list.querySelector("a").click(); }
  });
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    var plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if ((event.key === "/" && plain && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) { event.preventDefault(); open(); }
  });
})();

/* What a cross-reference, a citation or a footnote leads to, shown beside it on hover and on focus; Escape puts it away. */
(function () {
  "use strict";
  var base = document.body.dataset.root === "." ? "" : document.body.dataset.root + "/";
  var box = document.createElement("div");
  box.className = "peek";
  box.id = "peek";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  document.querySelector("main").appendChild(box);
  var timer, shown;

  function paragraph(text) {
    var element = document.createElement("p");
    element.textContent = text;
    return element;
  }
  function copied(element) {
    var copy = element.cloneNode(true);
    [copy].concat(Array.prototype.slice.call(copy.querySelectorAll("*"))).forEach(function (each) {
      ["id", "headers", "tabindex", "role", "aria-controls", "aria-haspopup", "aria-expanded"].forEach(function (name) { each.removeAttribute(name); });
    });
    copy.querySelectorAll(".anchorjs-link, .code-copy-button, .footnote-back, .code-fold, .data-link, .screen-reader-only").forEach(function (each) { each.remove(); });
    copy.querySelectorAll("a, button").forEach(function (each) {
      var plain = document.createElement("span");
      plain.append.apply(plain, each.childNodes);
      each.replaceWith(plain);
    });
    return copy;
  }
  function here(target) {
    if (/^H[1-6]$/.test(target.tagName)) {
      var parts = [copied(target)];
      parts[0] = paragraph(parts[0].textContent);
      parts[0].style.fontWeight = "600";
      var next = (target.closest("header.quarto-title-block") || target).nextElementSibling;
      while (next && next.tagName !== "P") next = next.nextElementSibling;
      return next ? parts.concat(copied(next)) : parts;
    }
    return [copied(target)];
  }
  function elsewhere(index, path, anchor) {
    var found = index.targets[anchor];
    if (found) {
      var parts = [paragraph(found[1])];
      if (found[2]) {
        var image = document.createElement("img");
        var dark = document.documentElement.dataset.theme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
        image.alt = "";
        image.src = base + found[2];
        image.style.background = dark ? "#fff" : "none";
        parts.push(image);
      }
      return parts;
    }
    return index.sections.filter(function (section) {
      return index.pages[section[0]][0] === path && section[1] === anchor;
    }).slice(0, 1).map(function (section) { return paragraph(section[2] + ": " + section[3].slice(0, 220) + "…"); });
  }
  function place(link) {
    var at = link.getClientRects()[0];
    box.hidden = false;
    var left = Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 12);
    var above = at.top - box.offsetHeight - 8;
    var below = at.bottom + 8;
    var top = below + box.offsetHeight > window.innerHeight && above > 60 ? above : below;
    box.style.left = Math.max(12, left) + window.scrollX + "px";
    box.style.top = top + window.scrollY + "px";
  }
  function show(link) {
    var parts = link.getAttribute("href").split("#");
    var anchor = decodeURIComponent(parts[1] || "");
    var target = !parts[0] && document.getElementById(anchor);
    function fill(content) {
      if (!content.length || shown !== link) return;
      box.replaceChildren.apply(box, content);
      link.setAttribute("aria-describedby", "peek");
      place(link);
    }
    shown = link;
    if (target) { fill(here(target)); return; }
    var path = new URL(link.href).pathname;
    var root = new URL(base || ".", location.href).pathname;
    window.ldevalWithIndex(function (index) { fill(elsewhere(index, decodeURIComponent(path.slice(root.length)), anchor)); });
  }
  function hide() {
    clearTimeout(timer);
    if (shown) shown.removeAttribute("aria-describedby");
    shown = null;
    box.hidden = true;
  }
  function later(work, delay) { clearTimeout(timer); timer = setTimeout(work, delay); }
  document.querySelectorAll('a.quarto-xref, a.footnote-ref, a[role="doc-biblioref"]').forEach(function (link) {
    link.addEventListener("mouseenter", function () { later(function () { show(link); }, 180); });
    link.addEventListener("mouseleave", function () { later(hide, 220); });
    link.addEventListener("focus", function () { if (link.matches(":focus-visible")) show(link); });
    link.addEventListener("blur", hide);
    link.addEventListener("click", hide);
  });
  box.addEventListener("mouseenter", function () { clearTimeout(timer); });
  box.addEventListener("mouseleave", function () { later(hide, 150); });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") hide(); });
})();

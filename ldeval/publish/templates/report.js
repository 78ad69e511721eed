/* The page's own tools: theme, menu, contents, tabs, code to copy, wide boxes, enlarged figures. Without this script all text is there. */
(function () {
  "use strict";
  var root = document.documentElement;
  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function make(tag, attributes, text) {
    var element = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { element.setAttribute(name, attributes[name]); });
    if (text) element.textContent = text;
    return element;
  }

  /* Theme: the reader's choice, else the system's. Figures have a dark version of their own. */
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  var themeButton = document.querySelector(".theme-button");
  function isDark() { return root.dataset.theme ? root.dataset.theme === "dark" : system.matches; }
  function dress() {
    themeButton.setAttribute("aria-pressed", String(isDark()));
    all("picture source").forEach(function (source) {
      source.media = root.dataset.theme ? (isDark() ? "screen" : "not all") : "screen and (prefers-color-scheme: dark)";
    });
  }
  themeButton.hidden = false;
  themeButton.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("ldeval-theme", root.dataset.theme); } catch (error) { /* private mode: this page only */ }
    dress();
  });
  system.addEventListener("change", dress);
  dress();

  /* Menu of chapters on small screens */
  var menu = document.querySelector(".menu-button");
  var sidebar = document.getElementById("quarto-sidebar");
  menu.addEventListener("click", function () {
    var open = sidebar.classList.toggle("is-open");
    menu.setAttribute("aria-expanded", String(open));
    if (open) { window.scrollTo(0, 0); sidebar.querySelector("a").focus(); }
  });
  sidebar.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && sidebar.classList.contains("is-open")) { menu.click(); menu.focus(); }
  });

  /* The chapter being read, in sight among many */
  var current = sidebar.querySelector("[aria-current]");
  if (current && current.offsetTop + current.offsetHeight > sidebar.clientHeight) sidebar.scrollTop = current.offsetTop - sidebar.clientHeight / 2;

  /* Contents of the page: the section being read */
  var entries = all(".toc a").map(function (link) {
    return { link: link, heading: document.getElementById(decodeURIComponent(link.hash.slice(1))) };
  }).filter(function (entry) { return entry.heading; });
  function reading() {
    var above = entries.filter(function (entry) { return entry.heading.getBoundingClientRect().top < 120; });
    var now = above.length ? above[above.length - 1] : null;
    entries.forEach(function (entry) {
      if (entry === now) entry.link.setAttribute("aria-current", "true"); else entry.link.removeAttribute("aria-current");
    });
  }
  var waiting = false;
  window.addEventListener("scroll", function () {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(function () { waiting = false; reading(); });
  }, { passive: true });
  reading();

  /* Anchors of sections and exhibits */
  all("main :is(h2, h3, h4)[id], main .quarto-float[id] > figure > figcaption").forEach(function (place) {
    var id = place.id || place.closest(".quarto-float[id]").id;
    var name = place.querySelector(".exhibit-number, .header-section-number");
    var label = "Link to " + (name ? name.textContent.replace(/:\s*$/, "") : place.textContent.trim());
    place.appendChild(make("a", { "class": "anchorjs-link", href: "#" + id, "aria-label": label }, "#"));
  });

  /* Tabs */
  function show(buttons, chosen) {
    buttons.forEach(function (button) {
      var selected = button === chosen;
      button.setAttribute("aria-selected", String(selected));
      button.tabIndex = selected ? 0 : -1;
      document.getElementById(button.dataset.panel).hidden = !selected;
    });
  }
  all(".panel-tabset").forEach(function (set) {
    var list = set.querySelector(".tab-list");
    var buttons = all(".tab-button", list);
    list.setAttribute("role", "tablist");
    buttons.forEach(function (button, index) {
      var panel = document.getElementById(button.dataset.panel);
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", button.id);
      panel.tabIndex = 0;
      button.addEventListener("click", function () { show(buttons, button); });
      button.addEventListener("keydown", function (event) {
        var to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: buttons.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        var next = buttons[(to + buttons.length) % buttons.length];
        show(buttons, next);
        next.focus();
      });
    });
    show(buttons, buttons[0]);
  });
  function reveal() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var place = target; place; place = place.parentElement) {
      if (place.classList.contains("tab-panel") && place.hidden) document.getElementById(place.getAttribute("aria-labelledby")).click();
      if (place.tagName === "DETAILS") place.open = true;
    }
    if (target) target.scrollIntoView();
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  /* Code to copy */
  function copy(text, done) {
    function old() {
      var area = make("textarea", { readonly: "", "class": "screen-reader-only" });
      area.value = text;
      document.body.appendChild(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      done();
    }
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text).then(done, old); else old();
  }
  all("main pre > code").forEach(function (code) {
    var pre = code.parentElement;
    if (pre.closest(".cell-output")  && !pre.closest(".code-fold")) return;
    var box = pre.parentElement.classList.contains("sourceCode") ? pre.parentElement : make("div", { "class": "code-box" });
    if (box !== pre.parentElement) { pre.replaceWith(box); box.appendChild(pre); }
    var button = make("button", { type: "button", "class": "code-copy-button" }, "Copy");
    button.addEventListener("click", function () {
      copy(code.textContent, function () {
        button.textContent = "Copied";
        setTimeout(function () { button.textContent = "Copy"; }, 2000);
        button.focus();
      });
    });
    box.appendChild(button);
  });

  /* Boxes wider than the page scroll by themselves, and by keyboard */
  var boxes = all("main :is(.table-box, pre, .math.display)");
  function measure() {
    boxes.forEach(function (box, index) {
      if (box.scrollWidth <= box.clientWidth + 1) { ["tabindex", "role", "aria-label"].forEach(function (name) { box.removeAttribute(name); }); return; }
      var float = box.closest(".quarto-float[id]");
      var name = float && float.querySelector(".exhibit-number");
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", (name ? name.textContent.replace(/:\s*$/, "") : box.tagName === "PRE" ? "Code " + (index + 1) : "Wide content " + (index + 1)) + ", scrolls sideways");
    });
  }
  measure();
  document.addEventListener("toggle", measure, true);
  window.addEventListener("resize", measure);
  window.addEventListener("load", measure);
  document.addEventListener("toggle", measure, true);

  /* Enlarged figures */
  var light = make("dialog", { "class": "lightbox", "aria-label": "Enlarged figure" });
  var close = make("button", { type: "button", "class": "dialog-close" }, "Close");
  var stage = make("div", {});
  light.appendChild(close);
  light.appendChild(stage);
  document.body.appendChild(light);
  close.addEventListener("click", function () { light.close(); });
  light.addEventListener("click", function (event) { if (event.target === light) light.close(); });
  all("main .quarto-float-fig .float-body img").forEach(function (image) {
    if (image.closest("a, button")) return;
    var float = image.closest(".quarto-float-fig");
    var caption = float.querySelector("figcaption");
    var name = caption && caption.querySelector(".exhibit-number");
    var picture = image.closest("picture") || image;
    var label = "Enlarge " + (name ? name.textContent.replace(/:\s*$/, "") : "figure");
    var button = make("button", { type: "button", "class": "enlarge", "aria-haspopup": "dialog" });
    button.appendChild(make("span", { "class": "screen-reader-only" }, label + ": "));
    picture.replaceWith(button);
    button.appendChild(picture);
    button.addEventListener("click", function () {
      stage.replaceChildren(picture.cloneNode(true));
      var text = caption && caption.textContent.replace(/#$/, "").trim();
      if (text) stage.appendChild(make("p", {}, text));
      light.setAttribute("aria-label", name ? name.textContent.replace(/:\s*$/, "") + ", enlarged" : "Enlarged figure");
      light.showModal();
    });
  });
})();

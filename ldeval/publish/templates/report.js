/* Tabs by mouse and keyboard; without this script every panel is shown. */
(function () {
  "use strict";
  function show(buttons, chosen) {
    buttons.forEach(function (button) {
      var selected = button === chosen;
      button.setAttribute("aria-selected", String(selected));
      button.tabIndex = selected ? 0 : -1;
      document.getElementById(button.dataset.panel).hidden = !selected;
    });
  }
  document.querySelectorAll(".panel-tabset").forEach(function (set) {
    var list = set.querySelector(".tab-list");
    var buttons = Array.prototype.slice.call(list.querySelectorAll(".tab-button"));
    list.setAttribute("role", "tablist");
    buttons.forEach(function (button, index) {
      var panel = document.getElementById(button.dataset.panel);
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", button.id);
      button.addEventListener("click", function () { show(buttons, button); });
      button.addEventListener("keydown", function (event) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        var next = buttons[(index + step + buttons.length) % buttons.length];
        show(buttons, next);
        next.focus();
      });
    });
    show(buttons, buttons[0]);
  });
})();

// Comforts only: everything here works without them, and the server is the judge.
"use strict";

// The names of htmx 2 and of htmx 4.
function on(names, act) {
  for (const name of names) document.addEventListener(name, act);
}
const find = (id) => document.getElementById(id);

// What a page needs only once somebody acts comes after all that is to be seen: after
// the first paint as well, for all files may be there before it.
const { later } = document.currentScript.dataset;
if (later) {
  const painted = new PerformanceObserver(() => {
    painted.disconnect();
    document.head.append(Object.assign(document.createElement("script"), { src: later }));
  });
  window.addEventListener("load", () => painted.observe({ type: "paint", buffered: true }));
}

// One click is enough. Coming back through the browser's history lends the button again,
// and so does a request that fails.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-once]")) return;
  for (const button of event.target.querySelectorAll("[type=submit]")) {
    // After the form has gone: a disabled button would take its own value along.
    setTimeout(() => { button.disabled = true; });
  }
});
function lendButtons() {
  for (const button of document.querySelectorAll("form[data-once] [type=submit]")) {
    button.disabled = false;
  }
}
window.addEventListener("pageshow", lendButtons);

// When news replaces what had the focus, the heading that tells it takes it over.
let wasInside = false;
on(["htmx:beforeSwap", "htmx:before:swap"], () => {
  wasInside = Boolean(document.activeElement?.closest("#status"));
});
on(["htmx:afterSettle", "htmx:after:settle"], (event) => {
  if (wasInside && document.activeElement === document.body) find("state")?.focus();
  if (event.target.id === "here") {
    find("email")?.focus({ preventScroll: true });
    event.target.scrollIntoView({ block: "nearest" });
  }
  for (const field of document.querySelectorAll(".field")) markField(field);
});

// What the server says of a field while somebody types, readers hear with the field.
function markField(field) {
  const control = field.querySelector("input, textarea");
  if (field.querySelector(".fault")) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

// A request that fails: the order's page waits quietly, a link is followed as links
// are, and anything else says so where it can be seen.
on(["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:error"], (event) => {
  const asked = event.target;
  if (asked.id === "status") {
    find("offline").hidden = false;
    return;
  }
  lendButtons();
  if (asked.href) location.assign(asked.href);
  else find("trouble").hidden = false;
});
on(["htmx:beforeOnLoad", "htmx:before:swap"], () => {
  for (const id of ["offline", "trouble"]) if (find(id)) find(id).hidden = true;
});

// The bar with the price comes when the first button has left the screen.
const bar = document.querySelector("[data-bar]");
if (bar) {
  new IntersectionObserver(([button]) => {
    bar.hidden = button.isIntersecting || Boolean(find("details"));
  }).observe(find(bar.dataset.bar));
}

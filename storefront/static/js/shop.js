// Comforts only: everything here works without them, and the server is the judge.
"use strict";

// One click is enough. Coming back through the browser's history lends the button again.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-once]")) return;
  for (const button of event.target.querySelectorAll("[type=submit]")) {
    // After the form has gone: a disabled button would take its own value along.
    setTimeout(() => { button.disabled = true; });
  }
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] [type=submit]")) {
    button.disabled = false;
  }
});

// The total follows the quantity; the server has written all of them down.
const quantity = document.querySelector("[data-totals]");
function showTotal() {
  const total = quantity.dataset.totals.split("|")[Number(quantity.value) - 1];
  if (!total) return;
  for (const place of document.querySelectorAll("[data-total]")) {
    if (place.textContent !== total) place.textContent = total;
  }
}
if (quantity) {
  quantity.addEventListener("input", showTotal);
  window.addEventListener("pageshow", showTotal);
}

// When news replaces what had the focus, the heading that tells it takes it over.
let wasInside = false;
function remember() {
  wasInside = Boolean(document.activeElement?.closest("#status"));
}
function restore() {
  if (wasInside && document.activeElement === document.body) {
    document.getElementById("state")?.focus();
  }
}
// The names of htmx 2 and of htmx 4.
for (const name of ["htmx:beforeSwap", "htmx:before:swap"]) document.addEventListener(name, remember);
for (const name of ["htmx:afterSettle", "htmx:after:settle"]) document.addEventListener(name, restore);

// What is wrong with the page as it stands, beyond what axe looks at: a list of words.
(language) => {
  const faults = [];
  const expect = (holds, words) => { if (!holds) faults.push(words); };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (one) => `${one.localName}#${one.id}.${one.className} ${one.textContent.trim().slice(0, 30)}`;
  // Checked, but not seen: what is hidden, and what only readers are told.
  const isSeen = (one) => one.checkVisibility() && !one.closest(".visually-hidden");

  expect(document.documentElement.lang === language, `lang is ${document.documentElement.lang}`);
  expect(all("h1").length === 1, `${all("h1").length} h1`);
  expect(document.title.trim() !== "", "no title");
  const room = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth;
  expect(wide <= room, `${wide - room} px too wide`);
  for (const one of all("img").filter(isSeen)) {
    expect(one.hasAttribute("width") && one.hasAttribute("height"), `no size: ${name(one)}`);
    expect(one.hasAttribute("alt"), `no alt: ${name(one)}`);
  }

  // Fingers: what looks like something to press is large, links in sentences are free.
  const targets = "button, .button, summary, textarea, select, nav a, input:not([type=hidden])";
  for (const one of all(targets).filter(isSeen)) {
    // A label is pressed like its control.
    const boxes = [one, one.closest("label"), ...(one.labels ?? [])].filter(Boolean).map((it) => it.getBoundingClientRect());
    const height = Math.max(...boxes.map((box) => box.height));
    const width = Math.max(...boxes.map((box) => box.width));
    expect(height >= 43.9 && width >= 43.9, `${Math.round(width)}×${Math.round(height)} px: ${name(one)}`);
  }
  return faults;
}

// Somebody whose browser speaks another language of the shop is offered it, no more.
// From the head, as the sentence comes in: a script beside it would have the page
// painted in two goes, and one after it would have what follows move.
"use strict";

{
  const spoken = document.documentElement.lang;
  const wanted = navigator.languages.map((one) => one.split("-")[0]);

  const show = (offer) => {
    const link = wanted.map((one) => offer.querySelector(`[lang="${one}"]`)).find(Boolean);
    if (link && link.lang !== spoken) link.hidden = offer.hidden = false;
  };

  const watch = new MutationObserver(() => {
    const offer = document.getElementById("offer");
    if (offer) show(offer);
    if (document.getElementById("main")) watch.disconnect();
  });
  if (wanted[0] !== spoken) watch.observe(document, { childList: true, subtree: true });
}

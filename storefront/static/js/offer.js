// Somebody whose browser speaks another language of the shop is offered it, no more.
// Runs where its sentence stands, before what follows is there and would have to move.
"use strict";

{
  const spoken = document.documentElement.lang;
  const wanted = navigator.languages.map((one) => one.split("-")[0]);
  const offer = document.getElementById("offer");
  const link = wanted.map((one) => offer.querySelector(`[lang="${one}"]`)).find(Boolean);
  if (wanted[0] !== spoken && link && link.lang !== spoken) link.hidden = offer.hidden = false;
}

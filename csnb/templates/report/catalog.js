// The script of the list of reports: search without network.
"use strict";
const entries = Array.from(document.querySelectorAll(".entry"));
const search = document.querySelector(".search");
if (search) {
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    entries.forEach((entry) => { entry.hidden = !entry.textContent.toLowerCase().includes(wanted); });
    document.querySelectorAll(".period").forEach((period) => {
      period.hidden = !period.querySelector(".entry:not([hidden])");
    });
    document.querySelector(".nothing").hidden = entries.some((entry) => !entry.hidden);
  });
}

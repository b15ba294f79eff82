// The theme's button, and what tables can do beyond standing there: sort, filter, tell details.
const root = document.documentElement;
const button = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
const told = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("blindspots-theme", root.dataset.theme); } catch { /* not kept, then */ }
  told();
});
system.addEventListener("change", told);
told();

const contents = document.getElementById("contents");
if (matchMedia("(max-width: 68rem)").matches) contents.open = false;

// Details of a cell: beside it while the pointer or the focus is there.
const detail = document.getElementById("detail");
const cellOf = (event) => event.target.closest?.("td[data-detail]");
function show(cell) {
  detail.textContent = cell.dataset.detail;
  detail.showPopover();
  const at = cell.getBoundingClientRect(), own = detail.getBoundingClientRect();
  const below = at.bottom + own.height + 8 < innerHeight;
  detail.style.left = `${Math.max(4, Math.min(at.left, innerWidth - own.width - 4))}px`;
  detail.style.top = `${below ? at.bottom + 4 : Math.max(4, at.top - own.height - 4)}px`;
}
const hide = () => detail.hidePopover();
function moved() {
  if (!detail.matches(":popover-open")) return;
  const cell = document.activeElement.closest("td[data-detail]");
  if (cell) show(cell);
  else hide();
}

// Arrow keys go from cell to cell; the tab key goes to a table once, to the cell that was last in focus.
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
function next(cell, [down, right]) {
  const rows = [...cell.closest("tbody").rows];
  let row = rows.indexOf(cell.parentElement), column = cell.cellIndex;
  do {
    row += down;
    column += right;
    cell = rows[row]?.cells[column];
  } while (cell && !cell.dataset.detail);
  return cell;
}

function enliven(box) {
  const table = box.querySelector("table.cells");
  if (!table) return;
  const stopAt = (cell) => {
    table.querySelectorAll("td[tabindex='0']").forEach((other) => { other.tabIndex = -1; });
    if (cell) cell.tabIndex = 0;
  };
  for (const cell of table.querySelectorAll("td[title]")) {
    cell.dataset.detail = cell.title;
    cell.removeAttribute("title");
    cell.tabIndex = -1;
  }
  table.addEventListener("pointerover", (event) => { const cell = cellOf(event); if (cell) show(cell); });
  table.addEventListener("pointerout", hide);
  table.addEventListener("focusout", hide);
  table.addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    stopAt(cell);
    cell.setAttribute("aria-describedby", "detail");
    show(cell);
  });
  table.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (!cell || !(event.key in STEPS) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const to = next(cell, STEPS[event.key]);
    to?.scrollIntoView({ block: "nearest", inline: "nearest" });
    to?.focus();
  });

  // A filter may hide the cell that the tab key went to.
  const findStop = () => stopAt(table.querySelector("td[tabindex='0']") ?? table.querySelector("td[data-detail]"));
  const nothing = { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null };
  const live = new DataTable(table, { paging: false, order: [], autoWidth: false, layout: nothing });
  live.on("draw", findStop);
  findStop();
  const filter = box.querySelector("input"), count = box.querySelector("output");
  const sought = () => {
    live.search(filter.value).draw();
    const shown = live.rows({ search: "applied" }).count(), all = live.rows().count();
    count.textContent = shown < all ? `${shown} of ${all} rows` : "";
  };
  filter?.addEventListener("input", sought);
  if (filter) addEventListener("beforeprint", () => { filter.value = ""; sought(); });

  // Say so where columns are out of sight.
  const frame = box.querySelector(".frame"), scroll = box.querySelector(".scroll"), more = box.querySelector(".more");
  const look = () => {
    frame.toggleAttribute("data-more", scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 1);
    more.hidden = scroll.scrollWidth <= scroll.clientWidth + 1;
  };
  scroll.addEventListener("scroll", () => { look(); moved(); });
  new ResizeObserver(look).observe(scroll);
}

DataTable.ext.errMode = "throw";
document.querySelectorAll(".summary-table").forEach(enliven);
addEventListener("scroll", moved, { passive: true });
addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

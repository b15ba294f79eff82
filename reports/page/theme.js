// Before the first paint: the theme picked on an earlier visit, where the browser keeps such things.
document.documentElement.classList.add("scripted");
try {
  const kept = localStorage.getItem("blindspots-theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch { /* storage is not allowed here */ }

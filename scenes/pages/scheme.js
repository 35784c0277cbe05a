// Dark or light: as the system says, or as the reader chose.
(() => {
  const root = document.documentElement, name = "learning-dynamics-scheme";
  // a browser that keeps nothing for pages from files raises at the mere mention
  const kept = act => { try { return act(localStorage); } catch { return null; } };
  const chosen = kept(store => store.getItem(name));
  if (chosen === "dark" || chosen === "light") root.dataset.scheme = chosen;
  if (window.self !== window.top) root.classList.add("framed");

  const system = matchMedia("(prefers-color-scheme: dark)");
  const other = () => (root.dataset.scheme ?? (system.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("scheme");
    const tell = () => { button.querySelector("span").textContent = button.dataset[other()]; };
    button.addEventListener("click", () => {
      root.dataset.scheme = other();
      kept(store => store.setItem(name, root.dataset.scheme));
      tell();
    });
    system.addEventListener("change", tell);
    tell();
    button.hidden = false;
  });
})();

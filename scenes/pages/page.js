// Chapters and words lead to their moment, and show which one plays.
(() => {
  const video = document.querySelector("video");
  if (!video) {
    for (const button of document.querySelectorAll("[data-at]")) button.disabled = true;
    return;
  }
  const lists = [...document.querySelectorAll("[data-follows]")].map(list => [...list.querySelectorAll("[data-at]")]);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const MILLISECOND = 0.001;  // so that rounding never shows the frame before

  const follow = () => {
    for (const buttons of lists) {
      const current = buttons.findLast(button => button.dataset.at <= video.currentTime + MILLISECOND);
      for (const button of buttons) {
        if (button === current) button.setAttribute("aria-current", "true");
        else button.removeAttribute("aria-current");
      }
    }
  };
  const go = (seconds, play) => {
    video.currentTime = seconds + MILLISECOND;
    video.scrollIntoView({ block: "nearest", behavior: calm.matches ? "instant" : "smooth" });
    if (play) video.play();
  };
  const asked = () => {
    const seconds = Number(new URLSearchParams(location.hash.slice(1)).get("t"));
    if (seconds > 0) go(seconds, false);
  };
  for (const button of lists.flat())
    button.addEventListener("click", () => go(Number(button.dataset.at), !calm.matches));
  for (const what of ["timeupdate", "seeking", "loadedmetadata"]) video.addEventListener(what, follow);
  addEventListener("hashchange", asked);
  asked();
  follow();

  addEventListener("beforeprint", () => {
    for (const closed of document.querySelectorAll("details:not([open])")) closed.open = closed.dataset.printing = true;
  });
  addEventListener("afterprint", () => {
    for (const opened of document.querySelectorAll("details[data-printing]")) {
      opened.open = false;
      delete opened.dataset.printing;
    }
  });
})();

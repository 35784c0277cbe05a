// A slide plays its beat and stops on the last frame; the next key goes on.
"use strict";
{
  const root = document.documentElement;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const button = name => document.querySelector(`[data-does="${name}"]`);
  const film = () => Reveal.getCurrentSlide().querySelector("video");

  function play() {
    const slide = Reveal.getCurrentSlide();
    slide.classList.remove("waits");
    film().play().catch(error => {
      // browsers let no film with sound play before something was pressed
      if (error.name === "NotAllowedError") slide.classList.add("waits");
    });
  }

  function begin() {
    const slide = Reveal.getCurrentSlide();
    for (const other of document.querySelectorAll("section video")) other.pause();
    film().currentTime = 0;
    if (still.matches || Reveal.isSpeakerNotes()) slide.classList.add("waits");
    else play();
    const here = Reveal.getIndices().h;
    const ways = document.querySelectorAll(".way i");
    ways.forEach((way, at) => {
      way.classList.toggle("here", at === here);
      way.style.setProperty("--played", at < here ? 1 : 0);
    });
    document.querySelector(".count").textContent = `${here + 1} / ${ways.length}`;
    document.querySelector(".where b").textContent = slide.dataset.name;
    button("back").disabled = here === 0;
    button("next").disabled = here === ways.length - 1;
    show();
  }

  function show() {
    const shown = film().ended ? "again" : film().paused ? "on" : "held";
    for (const icon of button("play").children) icon.classList.toggle("on", icon.matches(`.${ICONS[shown]}`));
  }
  const ICONS = { on: "solid", held: "held", again: "again" };

  function turn() {
    if (film().paused) play();
    else film().pause();
  }

  const does = {
    back: () => Reveal.prev(),
    play: turn,
    next: () => Reveal.next(),
    notes: () => Reveal.getPlugin("notes").open(),
    full: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
  };
  for (const name in does) button(name).addEventListener("click", does[name]);
  document.querySelector(".slides").addEventListener("click", turn);

  for (const event of ["play", "pause", "ended"]) document.addEventListener(event, show, true);
  document.addEventListener(
    "timeupdate",
    ({ target }) => {
      if (target !== film() || !target.duration) return;
      document.querySelector(".way .here").style.setProperty("--played", target.currentTime / target.duration);
    },
    true,
  );

  // full by the button, or by the browser's own key
  const filled = matchMedia("(display-mode: fullscreen)");
  function fill() {
    root.classList.toggle("full", Boolean(document.fullscreenElement) || filled.matches);
    Reveal.layout();
  }
  document.addEventListener("fullscreenchange", fill);
  filled.addEventListener("change", fill);

  let rest;
  addEventListener("pointermove", () => {
    root.classList.add("moved");
    clearTimeout(rest);
    rest = setTimeout(() => root.classList.remove("moved"), 2500);
  });

  Reveal.on("ready", () => {
    root.classList.toggle("listens", Reveal.isSpeakerNotes());
    fill();
    begin();
  });
  Reveal.on("slidechanged", begin);
  Reveal.initialize({
    width: Number(document.body.dataset.width),
    height: Number(document.body.dataset.height),
    margin: 0,
    minScale: 0.02,
    maxScale: 20,
    center: false,
    hash: true,
    controls: false,
    progress: false,
    overview: false,
    help: false,
    jumpToSlide: false,
    scrollActivationWidth: 0,
    transition: "none",
    backgroundTransition: "none",
    viewDistance: 2,
    mobileViewDistance: 2,
    keyboard: { 75: turn },
    // what has the focus is pressed by Enter and Space
    keyboardCondition: event => !(event.target.closest("button") && ["Enter", " "].includes(event.key)),
    plugins: [RevealNotes],
  });
}

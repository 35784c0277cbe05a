// Search and filter, and clips that play where they stand.
(() => {
  const form = document.querySelector("form");
  if (!form) return;
  const input = form.querySelector("input"), selects = [...form.querySelectorAll("select")];
  const count = document.getElementById("count"), all = form.querySelector("[type=reset]");
  // “Stöße” is found by “stosse”, and “GRU” by “gru”
  const plain = text => text.toLowerCase().replaceAll("ß", "ss").normalize("NFKD").replace(/\p{Mark}/gu, "");
  const clips = [...document.querySelectorAll(".clip")].map(place => ({
    place,
    text: plain([...place.querySelectorAll(".words")].map(part => part.textContent).join(" ")),
  }));

  const choose = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { place, text } of clips) {
      const fits = selects.every(({ name, value }) => !value || place.dataset[name].split(" ").includes(value));
      place.hidden = !(fits && words.every(word => text.includes(word)));
      shown += !place.hidden;
    }
    const some = shown < clips.length;
    const told = some ? count.dataset.some : shown === 1 ? count.dataset.one : count.dataset.many;
    count.textContent = told.replace("#", shown).replace("@", clips.length);
    all.hidden = !some;
  };
  let soon;
  form.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(choose, 80); });
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => { setTimeout(choose); input.focus(); });
  form.hidden = false;
  choose();

  for (const button of document.querySelectorAll(".play")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("video")) other.pause();
      const screen = button.parentElement;
      screen.replaceChildren(screen.querySelector("template").content);
      const video = screen.querySelector("video");
      video.focus();
      video.play();
    });
  }
})();

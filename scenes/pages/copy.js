// Buttons that copy the text beside them.
for (const button of document.querySelectorAll("[data-copy]")) {
  const code = button.parentElement.querySelector("code"), name = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // a page within another may not write to the clipboard: the text is marked, to be copied by hand
      getSelection().selectAllChildren(code);
      return;
    }
    button.textContent = document.getElementById("told").textContent = button.dataset.done;
    setTimeout(() => { button.textContent = name; document.getElementById("told").textContent = ""; }, 2000);
  });
}

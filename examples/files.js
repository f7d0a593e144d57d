// Follows the events `filewithext.py` and `filewithext.txt`, whose argument is the list of the files with that
// extension, and keeps a list on the page for each.

/** The extensions whose files are on the page already. */
const heard = new Set();

const connection = new autobahn.Connection({
  url: router.url,
  realm: router.realm,
  max_retries: -1,
  initial_retry_delay: 0.5,
  max_retry_delay: 5,
});

connection.onopen = (session) => {
  showOpen(session);
  for (const extension of ["py", "txt"]) {
    session
      .subscribe(`filewithext.${extension}`, ([names]) => showFiles(extension, names))
      .then(null, (error) => showError(`Cannot subscribe: ${inWords(error)}`));
  }
};

connection.onclose = showClosed;

/** Makes a list show these names; those that come to it later catch the eye. */
function showFiles(extension, names) {
  const isFirst = !heard.has(extension);
  heard.add(extension);
  const list = document.getElementById(extension);
  const shown = Array.from(list.children, (line) => line.textContent);
  if (names.length > 0 && names.join("/") === shown.join("/")) return;
  list.replaceChildren(...names.map((name) => lineFor(name, !isFirst && !shown.includes(name))));
  document.getElementById(`${extension}-count`).textContent = `${names.length}`;
  const none = document.getElementById(`${extension}-none`);
  none.textContent = "None.";
  none.hidden = names.length > 0;
}

function lineFor(name, isNew) {
  const line = document.createElement("li");
  line.className = isNew ? "fresh" : "";
  line.textContent = name;
  return line;
}

function showError(text) {
  document.getElementById("error").textContent = text;
  document.getElementById("error").hidden = false;
}

connection.open();

// The search page: photo in, decision and ten items out. No build step, no libraries.
//
//   mount(root, server)   draws it into an element; `server` answers: about, search, feedback, item, picture, example
//   as a page             index.html has #fashion-retail, and the server is reached over HTTP
//   as a widget           `Catalogue.widget` takes the default export, and the server is Python in the notebook's kernel

const WORDS = {
  en: {
    title: "Is it in the catalogue?", lead: "Take a photo of one garment. You see whether it is there, and the ten most similar items.",
    camera: "Take a photo", file: "Choose a photo", items: (n) => `${n.toLocaleString("en")} ${n === 1 ? "item" : "items"} in the catalogue`,
    examples: "No garment at hand? Try one of these", example: (n) => `Example ${n}`, recent: "Your last searches", clear: "Clear",
    looking: "Looking for the garment …", searching: "Searching …", yours: "Your photo", theirs: "Catalogue",
    outlined: "Your photo. The garment that was searched is outlined.", wrong: "Wrong garment?", another: "Another photo", another_long: "Add another photo of the same garment",
    two: "Several garments: tap “Wrong garment?” to choose another one",
    mark: "Tap the garment, or draw a box", mark_keys: "Arrow keys move the cross, Enter chooses, Escape ends", cancel: "Cancel", drop_photo: "Remove this photo", photo: (n) => `Photo ${n}`,
    yes: "Yes, most likely", unsure: "Not sure", no: "Probably not",
    yes_more: "Compare, then confirm which one.", unsure_more: "Compare: is it one of these?", no_more: "These are the most similar items.",
    under: "under 1 %", share: (p) => `${p} that it is in the catalogue`, answers: "Answers, best first", answer: (n, id) => `Answer ${n}: ${id}`, compare: "compare",
    filters: "Show only", all: "all", predicted: "predicted", own: "without predictions", none_fit: "No item has all of this.", this_is_it: "This is it", none: "None of these", fresh: "New photo", close: "Close", before: "Previous answer", after: "Next answer",
    noted: "Noted: this is it", noted_none: "Noted: none of these", thanks: "Thank you.", undo: "Undo",
    back: "Back", keys: ["1 – 9", "compare", "N", "none of these", "P", "new photo"], api: "For programs: API", language: "Deutsch",
    no_garment: "No garment found", no_garment_more: "Tap it, or draw a box around it.", trouble: "That did not work", again: "Try again",
    offline: "The server does not answer. Is this device in the right network?", busy: "Many people are searching just now.", not_a_photo: "This file is no photo that can be read. Choose another one.",
    too_large: "This photo is too large.", no_preview: "This photo cannot be shown here", missing: "Photo missing", privacy: "Photos are not kept.", privacy_kept: "Searched photos are kept to make the answers better.",
  },
  de: {
    title: "Ist es im Katalog?", lead: "Fotografieren Sie ein Kleidungsstück. Sie sehen, ob es da ist, und die zehn ähnlichsten Artikel.",
    camera: "Foto aufnehmen", file: "Foto auswählen", items: (n) => `${n.toLocaleString("de")} Artikel im Katalog`,
    examples: "Gerade nichts zur Hand? Zum Ausprobieren", example: (n) => `Beispiel ${n}`, recent: "Ihre letzten Suchen", clear: "Leeren",
    looking: "Das Kleidungsstück wird gesucht …", searching: "Suche läuft …", yours: "Ihr Foto", theirs: "Katalog",
    outlined: "Ihr Foto. Das gesuchte Kleidungsstück ist umrandet.", wrong: "Falsches Stück?", another: "Weiteres Foto", another_long: "Ein weiteres Foto desselben Stücks hinzufügen",
    two: "Mehrere Kleidungsstücke: „Falsches Stück?“ wählt ein anderes",
    mark: "Antippen oder Rahmen ziehen", mark_keys: "Pfeiltasten bewegen das Kreuz, Eingabe wählt, Escape beendet", cancel: "Abbrechen", drop_photo: "Dieses Foto entfernen", photo: (n) => `Foto ${n}`,
    yes: "Ja, wahrscheinlich", unsure: "Nicht sicher", no: "Eher nicht",
    yes_more: "Vergleichen und bestätigen.", unsure_more: "Vergleichen: Ist es eines davon?", no_more: "Das sind die ähnlichsten Artikel.",
    under: "unter 1 %", share: (p) => `${p}, dass es im Katalog ist`, answers: "Antworten, die beste zuerst", answer: (n, id) => `Antwort ${n}: ${id}`, compare: "vergleichen",
    filters: "Nur zeigen", all: "alle", predicted: "vorhergesagt", own: "ohne Vorhersagen", none_fit: "Kein Artikel passt zu alldem.", this_is_it: "Das ist es", none: "Keines davon", fresh: "Neues Foto", close: "Schließen", before: "Vorige Antwort", after: "Nächste Antwort",
    noted: "Notiert: das ist es", noted_none: "Notiert: keines davon", thanks: "Danke.", undo: "Zurücknehmen",
    back: "Zurück", keys: ["1 – 9", "vergleichen", "N", "keines davon", "P", "neues Foto"], api: "Für Programme: API", language: "English",
    no_garment: "Kein Kleidungsstück gefunden", no_garment_more: "Darauf tippen oder einen Rahmen darum ziehen.", trouble: "Das hat nicht geklappt", again: "Nochmals versuchen",
    offline: "Der Server antwortet nicht. Ist das Gerät im richtigen Netz?", busy: "Gerade suchen viele.", not_a_photo: "Diese Datei ist kein lesbares Foto. Bitte ein anderes wählen.",
    too_large: "Dieses Foto ist zu groß.", no_preview: "Dieses Foto lässt sich hier nicht anzeigen", missing: "Foto fehlt", privacy: "Fotos werden nicht aufbewahrt.", privacy_kept: "Gesuchte Fotos werden aufbewahrt, damit die Antworten besser werden.",
  },
};

const ICONS = {
  shirt: "M8.5 4 3.5 6.8 5.4 11l2.1-.9V20h9v-9.9l2.1.9 1.9-4.2L15.500 4c-1 2.400-6 2.400-7 0z",
  camera: "M4 8h3l1.600-2.500h6.800L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z M12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  image: "M4 5h16v14H4z M4 16l4.500-4.500 4 4 3-3L20 17 M15.500 9.500h.01", back: "M14.500 5.500 8 12l6.500 6.500", next: "M9.500 5.500 16 12l-6.500 6.500",
  target: "M12 3v4 M12 17v4 M3 12h4 M17 12h4 M12 18a6 6 0 1 0 0-12 6 6 0 0 0 0 12z", plus: "M12 5v14 M5 12h14", close: "M6 6l12 12 M18 6 6 18",
  yes: "M5 12.500 10 17.500 19.500 7", unsure: "M8.500 9a3.500 3.500 0 1 1 5 3.200c-1 .5-1.500 1.200-1.500 2.300 M12 18.200h.01", no: "M5 12h14", bad: "M12 7v6 M12 17h.01",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z M15.500 15.500 21 21",
};
const LONG_SIDE = 1600, KEPT = 8, EDGE = "rgb(255 0 140)";

// ---- elements --------------------------------------------------------------------------------------------------
function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((o) => o != null && o !== false));
  return element;
}
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// ---- the server over HTTP --------------------------------------------------------------------------------------
class Trouble extends Error {
  constructor(code, text, photo) { super(text); [this.code, this.photo] = [code, photo]; }
}
function overHttp(base) {
  async function ask(path, options = {}) {
    let reply;
    try { reply = await fetch(new URL(path, base), options); } catch { throw new Trouble("offline", ""); }
    const value = await reply.json().catch(() => ({}));
    if (!reply.ok) throw new Trouble(value.code ?? "failure", value.error ?? "", value.photo);
    return value;
  }
  async function askLines(path, options, seen) {       // one JSON object a line: outlines as they come, the answers last
    let reply, last = {}, rest = "";
    try { reply = await fetch(new URL(path, base), { ...options, headers: { Accept: "application/x-ndjson" } }); } catch { throw new Trouble("offline", ""); }
    if (!reply.ok) {
      const value = await reply.json().catch(() => ({}));
      throw new Trouble(value.code ?? "failure", value.error ?? "", value.photo);
    }
    try {
      const reader = reply.body.getReader(), decoder = new TextDecoder();
      for (;;) {
        const { value, done } = await reader.read(), lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
        rest = lines.pop();
        for (const line of lines) {
          last = JSON.parse(line);
          if (last.cutout) seen(last);
        }
        if (done) break;
      }
    } catch { throw new Trouble("offline", ""); }
    if (!last.results) throw new Trouble(last.code ?? "offline", last.error ?? "", last.photo);
    return last;
  }
  return {
    about: () => ask("api/catalogue"),
    search(photos, { where = [], boxes = [], points = [], together = false }, seen) {
      const form = new FormData();
      photos.forEach((o, i) => {
        form.append("photo", o, "photo.jpg");
        form.append("box", boxes[i]?.join(",") ?? "");
        form.append("point", points[i]?.join(",") ?? "");
      });
      for (const o of where) form.append("where", o);
      form.append("together", together);
      return askLines("api/search", { method: "POST", body: form }, seen);
    },
    feedback: (body) => ask("api/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    picture: async (path, size) => new URL(`${path.replace(/^\//, "")}?size=${size}`, base).href,
    example: async (n) => (await fetch(new URL(`api/examples/${n}`, base))).blob(),
  };
}

// ---- photos ----------------------------------------------------------------------------------------------------
const surface = (width, height) => Object.assign(document.createElement("canvas"), { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) });
const asBlob = (canvas, quality) => new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
const loaded = (url) => new Promise((done, fail) => { const o = new Image(); o.onload = () => done(o); o.onerror = fail; o.src = url; });

async function prepared(file) {                      // upright, at most LONG_SIDE, without the place where it was taken
  let image;
  try { image = await createImageBitmap(file, { imageOrientation: "from-image" }); } catch { return { blob: file, image: null, width: 0, height: 0 }; }
  const scale = Math.min(1, LONG_SIDE / Math.max(image.width, image.height)), canvas = surface(image.width * scale, image.height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return { blob: await asBlob(canvas, 0.92), image: canvas, width: canvas.width, height: canvas.height };
}
async function maskOf(url) {                         // transparent where no garment is, and where it is on the photo
  if (!url) return null;
  const image = await loaded(url), scale = Math.min(1, 900 / Math.max(image.width, image.height)), canvas = surface(image.width * scale, image.height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height), { data, width, height } = pixels;
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (let i = 0, at = 0; i < data.length; i += 4, at++) {
    data[i + 3] = data[i];
    if (data[i] > 127) {
      const x = at % width, y = (at - x) / width;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    }
  }
  context.putImageData(pixels, 0, 0);
  return { canvas, full: [image.width, image.height], box: x1 > x0 ? [x0 / width, y0 / height, x1 / width, y1 / height] : [0, 0, 1, 1] };
}
function paintPhoto(context, photo, width, height, view = [0, 0, 1, 1]) {   // photo, what is not searched dimmed, outline
  const [x0, y0, x1, y1] = view, put = (source, dx = 0, dy = 0, where = context) =>
    where.drawImage(source, x0 * source.width, y0 * source.height, (x1 - x0) * source.width, (y1 - y0) * source.height, dx, dy, width, height);
  context.clearRect(0, 0, width, height);
  if (photo.image) put(photo.image);
  if (!photo.mask) return;
  const inside = surface(width, height), edge = surface(width, height), line = Math.max(2, Math.round(width / 190));
  const within = inside.getContext("2d"), ring = edge.getContext("2d");
  put(photo.mask.canvas, 0, 0, within);
  const grown = (by, color) => {                     // the mask, wider, in one color
    const wide = surface(width, height), around = wide.getContext("2d");
    for (let i = 0; i < 16; i++) around.drawImage(inside, by * Math.cos(i * Math.PI / 8), by * Math.sin(i * Math.PI / 8));
    around.globalCompositeOperation = "source-in";
    around.fillStyle = color;
    around.fillRect(0, 0, width, height);
    return wide;
  };
  ring.drawImage(grown(2 * line, "#fff"), 0, 0);
  ring.drawImage(grown(line, EDGE), 0, 0);
  ring.globalCompositeOperation = "destination-out";
  ring.drawImage(inside, 0, 0);
  within.globalCompositeOperation = "source-out";
  within.fillStyle = "rgb(12 11 10)";
  within.fillRect(0, 0, width, height);
  context.globalAlpha = 0.5;
  context.drawImage(inside, 0, 0);
  context.globalAlpha = 1;
  context.drawImage(edge, 0, 0);
}

// ---- what stays on this device ---------------------------------------------------------------------------------
const store = {
  get(name, otherwise) { try { return JSON.parse(localStorage.getItem(`fashion-retail-${name}`)) ?? otherwise; } catch { return otherwise; } },
  set(name, value) { try { localStorage.setItem(`fashion-retail-${name}`, JSON.stringify(value)); return true; } catch { return false; } },
};

export function mount(root, server, { kept = true } = {}) {
  let about = null, recent = kept ? store.get("recent", []) : [];
  let language = store.get("language", (navigator.language || "en").startsWith("de") ? "de" : "en"), t = WORDS[language];
  let photos = [], at = 0, found = null, said, problem = null, busy = false, outlined = false, marking = false, cross = null, drag = null, filters = {}, open = "", turn = 0;
  const live = h("div", { class: "quiet", role: "status", "aria-live": "polite" }), main = h("main"), top = h("header", { class: "top" }), dialog = h("dialog", { "aria-labelledby": "fr-compared" });
  root.classList.add("fr");
  root.append(top, main, dialog, live);
  const tell = (text) => { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 60); };

  // ---- pictures of the catalogue
  const pictures = new Map();
  function picture(path, size, alt) {
    const image = h("img", { alt, loading: "lazy", decoding: "async" }), key = `${path} ${size}`;
    if (!pictures.has(key)) pictures.set(key, server.picture(path, size));
    const missing = () => image.replaceWith(h("span", { class: "missing" }, t.missing));  // its file is not where the catalogue says
    image.addEventListener("error", missing, { once: true });
    pictures.get(key).then((o) => { image.src = o; }, missing);
    return image;
  }

  // ---- actions
  async function take(files, add = false) {
    const list = [...files].filter((o) => !o.type || o.type.startsWith("image/"));
    if (!list.length) return files.length ? fail(new Trouble("not_a_photo", "")) : undefined;
    if (!add) reset();
    root.scrollIntoView({ block: "start" });
    root.dataset.state = "busy";
    root.classList.add("reading");                   // a large photo takes a moment to decode
    tell(t.looking);
    for (const file of list.slice(0, (about?.limits.photos ?? 8) - photos.length)) photos.push(await prepared(file));
    at = photos.length - 1;
    await search();
  }
  function reset() {
    [photos, at, found, said, problem, marking, filters, open] = [[], 0, null, undefined, null, false, {}, ""];
    turn += 1;
  }
  async function search() {
    const mine = turn += 1, asked = [...photos], where = Object.entries(filters).flatMap(([name, values]) => [...values].map((o) => `${name}=${o}`));
    [busy, problem, said, marking, outlined] = [true, null, undefined, false, false];
    const seen = async ({ photo, cutout }) => {          // the outline, while the answers load
      const mask = await maskOf(cutout.mask);
      if (mine !== turn || !busy || !asked[photo]) return;
      asked[photo].mask = mask;
      outlined = true;
      draw();
    };
    draw();
    try {
      const reply = await server.search(photos.map((o) => o.blob), { where, boxes: photos.map((o) => o.box), points: photos.map((o) => o.point), together: photos.length > 1 }, seen);
      if (mine !== turn) return;
      const result = reply.results[0], outlines = result.cutouts ?? [result.cutout];
      for (const [i, photo] of photos.entries()) photo.mask = await maskOf(outlines[i]?.mask);
      if (mine !== turn) return;
      found = { id: reply.search_id, result };
      busy = false;
      remember();
      draw();
      tell(`${t[mood()]}. ${t.share(percent(result.in_catalogue))}.`);
    } catch (error) { if (mine === turn) fail(error); }
  }
  function fail(error) {
    busy = false;
    problem = error instanceof Trouble ? error : new Trouble("failure", String(error));
    if (!(error instanceof Trouble)) console.error(error);
    if (photos[problem.photo]) at = problem.photo;
    if (problem.code === "no_garment") [marking, found] = [true, null];
    draw();
    tell(problem.code === "no_garment" ? `${which()}${t.no_garment}. ${t.no_garment_more}` : `${t.trouble}. ${explain()}`);
  }
  const which = () => photos.length > 1 && photos[problem.photo] ? `${t.photo(problem.photo + 1)}: ` : "";   // of several, the one that is the reason
  const explain = () => which() + (t[problem.code] && typeof t[problem.code] === "string" && problem.code !== "no_garment" ? t[problem.code] : problem.message);
  async function say(item, withdrawn = false) {
    const before = said, asked = found;
    said = withdrawn ? undefined : item;
    if (dialog.open) dialog.close();
    draw();
    try {
      await server.feedback({ search_id: asked.id, item_id: item, withdrawn });
      if (!withdrawn) tell(`${item === null ? t.noted_none : `${t.noted}: ${item}`}. ${t.thanks}`);
      remember();
    } catch (error) { said = before; fail(error); }
  }
  const percent = (o) => o < 0.01 ? t.under : `${Math.round(Math.min(0.99, o) * 100)} %`;
  const mood = () => found.result.decision.startsWith("likely") ? "yes" : found.result.decision.startsWith("not sure") ? "unsure" : "no";

  // ---- recent searches
  function remember() {
    if (!kept || !found || !photos.every((o) => o.image)) return;
    const small = photos.map((o) => {
      const scale = Math.min(1, 480 / Math.max(o.width, o.height)), canvas = surface(o.width * scale, o.height * scale);
      canvas.getContext("2d").drawImage(o.image, 0, 0, canvas.width, canvas.height);
      return { url: canvas.toDataURL("image/jpeg", 0.8), box: o.box?.map((v) => Math.round(v * scale)), point: o.point?.map((v) => Math.round(v * scale)) };
    });
    recent = [{ time: Date.now(), photos: small, found, said, mood: mood() }, ...recent.filter((o) => o.found.id !== found.id && o.photos[0].url !== small[0].url)].slice(0, KEPT);
    while (recent.length && !store.set("recent", recent)) recent.pop();
  }
  async function recall(one) {
    reset();
    const mine = turn;
    const list = await Promise.all(one.photos.map(async (o) => {
      const image = await loaded(o.url), canvas = surface(image.width, image.height);
      canvas.getContext("2d").drawImage(image, 0, 0);
      return { blob: await asBlob(canvas, 0.95), image: canvas, width: canvas.width, height: canvas.height, box: o.box, point: o.point };
    }));
    const outlines = one.found.result.cutouts ?? [one.found.result.cutout];
    for (const [i, photo] of list.entries()) photo.mask = await maskOf(outlines[i]?.mask);
    if (mine !== turn) return;
    [photos, found, said] = [list, one.found, one.said];
    draw();
    root.scrollIntoView({ block: "start" });
  }

  // ---- drawing
  function draw() {
    root.classList.remove("reading");
    drawTop();
    root.dataset.state = busy ? "busy" : problem ? "problem" : found ? "found" : photos.length ? "asked" : "start";
    if (!photos.length) drawStart();
    else drawWork();
  }
  function drawTop() {
    const away = photos.length || problem;
    top.replaceChildren(
      away ? h("button", { class: "plain", "aria-label": t.back, onclick: () => { reset(); draw(); main.querySelector("input")?.focus(); } }, icon("back")) : "",
      h("h1", {}, away ? t.title : about?.name ?? ""),
      h("button", { class: "plain", lang: language === "en" ? "de" : "en", onclick: () => {
        language = language === "en" ? "de" : "en";
        t = WORDS[language];
        store.set("language", language);
        begin();
        top.querySelector("[lang]").focus();
      } }, t.language));
  }
  const chooser = (label, mark, { camera = false, many = false, add = false, kind = "" } = {}) => h("label", { class: `button file ${kind}` }, icon(mark), label,
    h("input", { type: "file", accept: "image/*", "aria-label": label, capture: camera ? "environment" : null, multiple: many, onchange: (e) => take(e.target.files, add) }));
  function drawStart() {
    const touch = matchMedia("(pointer: coarse)").matches;
    main.replaceChildren(h("div", { class: "start" },
      h("div", { class: "frame" }, icon("shirt")), h("h2", {}, t.title), h("p", { class: "lead" }, t.lead), problem && drawVerdict(),
      h("div", { class: "choose" }, chooser(t.camera, "camera", { camera: true, kind: touch ? "main" : "" }), chooser(t.file, "image", { many: true, kind: touch ? "" : "main" })),
      about?.examples > 0 && h("div", { class: "more" }, h("h3", {}, t.examples), h("div", { class: "tiles" }, Array.from({ length: Math.min(4, about.examples) }, (_, i) => {
        const image = h("img", { alt: "" });
        server.example(i).then((o) => { image.src = URL.createObjectURL(o); });
        return h("button", { "aria-label": t.example(i + 1), onclick: async () => take([await server.example(i)]) }, image);
      }))),
      recent.length > 0 && h("section", { class: "recent" }, h("div", { class: "head" }, h("h3", {}, t.recent), h("button", { class: "plain", onclick: () => { recent = []; store.set("recent", []); draw(); } }, t.clear)),
        h("ul", {}, recent.map((o) => h("li", {}, h("button", { onclick: () => recall(o) }, h("img", { src: o.photos[0].url, alt: "" }),
          h("span", {}, o.said === null ? t.noted_none : o.said ? o.said : t[o.mood], h("small", {}, new Date(o.time).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" })))))))),
      about && h("p", { class: "note" }, t.items(about.items), h("br"), about.keeps_photos ? t.privacy_kept : t.privacy, h("br"), kept && h("a", { href: "api", class: "api" }, t.api))));
  }
  function drawVerdict() {
    if (problem) {
      const none = problem.code === "no_garment";
      return h("div", { class: "verdict", "data-mood": none ? "unsure" : "bad" }, icon(none ? "target" : "bad"), h("div", {}, h("h2", {}, none ? which() + t.no_garment : t.trouble), h("p", {}, none ? t.no_garment_more : explain())),
        !none && which() && h("button", { onclick: drop }, t.drop_photo),
        !none && photos.length > 0 && !["not_a_photo", "too_large", "bad_input"].includes(problem.code) && h("button", { onclick: search }, t.again));
    }
    if (!found) return h("div", { class: "verdict" }, icon("search"), h("div", {}, h("h2", {}, outlined ? t.searching : t.looking)));
    if (said !== undefined) return h("div", { class: "verdict", "data-mood": "yes" }, icon("yes"), h("div", {}, h("h2", {}, said === null ? t.noted_none : t.noted), h("p", {}, said === null ? t.thanks : `${said}. ${t.thanks}`)),
      h("button", { onclick: () => say(said, true) }, t.undo));
    const kind = mood(), share = percent(found.result.in_catalogue);
    return h("div", { class: "verdict", "data-mood": kind }, icon(kind), h("div", {}, h("h2", {}, t[kind]), h("p", {}, t[`${kind}_more`])), h("span", { class: "share", role: "img", "aria-label": t.share(share) }, share));
  }
  function drawWork() {
    const focused = document.activeElement?.dataset?.key, answers = found?.result.answers ?? [];
    const empty = Object.values(filters).some((o) => o.size) && found && !answers.length;
    main.replaceChildren(h("div", { class: "work" },
      h("section", { class: "asked", "aria-label": t.yours }, drawStage(), drawStrip(), !(problem && problem.code !== "no_garment") && h("div", { class: "tools" },
        marking ? h("button", { onclick: () => { marking = false; draw(); } }, t.cancel) : h("button", { "data-key": "mark", disabled: busy || said !== undefined, onclick: mark }, icon("target"), t.wrong),
        !marking && chooser(t.another, "plus", { add: true }))),
      h("div", {}, drawVerdict(), drawFilters(),
        h("h2", { class: "quiet" }, t.answers),
        empty ? h("p", {}, t.none_fit) : h("ol", { class: `answers${busy && found ? " stale" : ""}` }, answers.length ? answers.map(drawAnswer) : busy ? Array.from({ length: 6 }, () => h("li", { class: "ghost" })) : []),
        h("div", { class: "foot" }, found && said === undefined && h("button", { "data-key": "none", disabled: busy, onclick: () => say(null) }, t.none), chooser(t.fresh, "camera", { camera: true, kind: found && said === undefined ? "" : "main" })),
        found && h("p", { class: "keys" }, t.keys.map((o, i) => i % 2 ? ` ${o}  ` : h("kbd", {}, o))))));
    if (focused) main.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    paint();
  }
  function facts({ attributes }) {                   // name, value, whether it was predicted, and with which probability
    return Object.entries(attributes).filter(([name]) => !["_source", "_probability"].some((o) => name.endsWith(o) && name.slice(0, -o.length) in attributes))
      .map(([name, value]) => [name, value, attributes[`${name}_source`] === "predicted" ? Number(attributes[`${name}_probability`]) : null]);
  }
  function drawAnswer(o, i) {
    const what = facts(o).map(([, value]) => value).slice(0, 3).join(", "), chosen = said === o.item_id;
    const fill = h("i");
    fill.style.width = `${Math.round(o.probability * 100)}%`;
    return h("li", { class: `${i ? "" : "first"} ${chosen ? "chosen" : ""}` }, h("button", { "data-key": `answer-${i}`, "aria-label": `${t.answer(i + 1, o.item_id)}${what ? `, ${what}` : ""}, ${percent(o.probability)}, ${t.compare}`, onclick: () => compare(i) },
      h("span", { class: "picture" }, picture(o.path, 320, ""), h("span", { class: "rank" }, chosen ? "✓" : `${i + 1}`)),
      h("span", { class: "text" }, h("b", {}, o.item_id), h("span", { class: "what" }, what || " "), h("span", { class: "bar" }, fill))));
  }
  function drawFilters() {
    const names = Object.keys(about?.filters ?? {});
    if (!names.length || ["no_garment", "not_a_photo", "too_large"].includes(problem?.code)) return "";
    const told = (name) => about.predicted?.[name] ?? [];
    const toggle = (name, value) => {
      const set = filters[name] ??= new Set();
      if (!set.delete(value)) set.add(value);
      search();
    };
    return h("section", { class: "filters", "aria-label": t.filters }, h("div", { class: "chips" }, names.map((name) => {
      const chosen = [...filters[name] ?? []];
      return h("button", { "data-key": `filter-${name}`, class: chosen.length ? "on" : "", "aria-expanded": String(open === name), onclick: () => { open = open === name ? "" : name; drawWork(); } },
        chosen.length ? `${name}: ${chosen.join(", ")}` : name, told(name).length > 0 && h("small", {}, t.predicted));
    })), open && h("div", { class: "chips values", role: "group", "aria-label": open }, about.filters[open].map((value) => h("button", {
      "data-key": `value-${value}`, "aria-pressed": String(Boolean(filters[open]?.has(value))), onclick: () => toggle(open, value) }, value, told(open).includes(value) && h("small", {}, t.predicted))),
      told(open).length > 0 && h("button", { "data-key": "own", class: "plain", "aria-pressed": String(Boolean(filters[`${open}_source`]?.has("shop"))), onclick: () => toggle(`${open}_source`, "shop") }, t.own)));
  }
  function drawStrip() {
    if (photos.length < 2) return "";
    return h("div", { class: "strip" }, photos.map((o, i) => {
      const image = h("img", { alt: "" });
      o.url ??= URL.createObjectURL(o.blob);
      image.src = o.url;
      return h("button", { "data-key": `photo-${i}`, class: problem && which() && problem.photo === i ? "bad" : "", "aria-pressed": String(i === at), "aria-label": t.photo(i + 1), onclick: () => { at = i; draw(); } }, image);
    }), h("button", { class: "away", "aria-label": t.drop_photo, onclick: drop }, icon("close")));
  }
  function drop() {
    photos.splice(at, 1);
    at = Math.max(0, at - 1);
    search();
  }

  // ---- the photo: outline, and the garment that is meant
  let canvas = null;
  function drawStage() {
    const photo = photos[at], several = found && !busy && (found.result.cutouts ?? [found.result.cutout])[at]?.also;   // another garment is as likely
    const text = marking ? `${t.mark}. ${t.mark_keys}` : busy && !outlined ? t.looking : several ? `${t.outlined} ${t.two}.` : t.outlined;
    canvas = h("canvas", { role: marking ? "application" : "img", "aria-label": text, tabindex: marking ? 0 : null });
    const hint = marking ? t.mark : !photo.image ? t.no_preview : several ? t.two : "";
    const stage = h("div", { class: `stage${marking ? " marking" : ""}${busy ? outlined ? " seen" : " busy" : ""}` }, canvas, hint && h("p", { class: "hint", "aria-hidden": "true" }, hint));
    if (marking) {
      canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); drag = [where(e), where(e)]; });
      canvas.addEventListener("pointermove", (e) => { if (drag) { drag[1] = where(e); paint(); } });
      canvas.addEventListener("pointercancel", () => { drag = null; paint(); });
      canvas.addEventListener("pointerup", () => {
        if (!drag) return;
        const [[ax, ay], [bx, by]] = drag, box = [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)].map(Math.round);
        drag = null;
        mean(Math.min(box[2] - box[0], box[3] - box[1]) > 0.04 * Math.max(photo.width, photo.height) ? { box } : { point: [Math.round(ax), Math.round(ay)] });
      });
      canvas.addEventListener("keydown", (e) => {
        const step = 0.04 * Math.max(photo.width, photo.height), move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
        if (move) cross = [Math.min(photo.width - 1, Math.max(0, cross[0] + step * move[0])), Math.min(photo.height - 1, Math.max(0, cross[1] + step * move[1]))];
        else if (e.key === "Enter" || e.key === " ") return e.preventDefault(), mean({ point: cross.map(Math.round) });
        else return;
        e.preventDefault();
        paint();
      });
    }
    return stage;
  }
  function where(e) {
    const box = canvas.getBoundingClientRect(), photo = photos[at], scale = Math.min(box.width / canvas.width, box.height / canvas.height);
    const x = (e.clientX - box.left - (box.width - canvas.width * scale) / 2) / (canvas.width * scale), y = (e.clientY - box.top - (box.height - canvas.height * scale) / 2) / (canvas.height * scale);
    return [Math.min(1, Math.max(0, x)) * photo.width, Math.min(1, Math.max(0, y)) * photo.height];
  }
  function mark() {
    marking = true;
    cross = [photos[at].width / 2, photos[at].height / 2];
    draw();
    canvas.focus({ preventScroll: true });
    tell(`${t.mark}. ${t.mark_keys}`);
  }
  function mean(garment) {
    Object.assign(photos[at], { box: undefined, point: undefined }, garment);
    search();
  }
  function paint() {
    const photo = photos[at];
    if (!photo || !canvas) return;
    const [w, h0] = photo.image ? [photo.width, photo.height] : photo.mask?.full ?? [400, 300], scale = Math.min(1, 1100 / Math.max(w, h0)), grow = Math.max(1, 560 / Math.max(w, h0));
    [canvas.width, canvas.height] = [Math.round(w * scale * grow), Math.round(h0 * scale * grow)];
    const context = canvas.getContext("2d"), zoom = canvas.width / w;
    paintPhoto(context, marking ? { ...photo, mask: null } : photo, canvas.width, canvas.height);
    const frame = (box, color, width, dash = []) => {
      context.setLineDash(dash);
      context.strokeStyle = color;
      context.lineWidth = width;
      context.strokeRect(box[0] * zoom, box[1] * zoom, (box[2] - box[0]) * zoom, (box[3] - box[1]) * zoom);
    };
    if (!marking && photo.box) frame(photo.box, "#ffffffb0", 2, [8, 7]);
    if (drag) { frame([...drag[0], ...drag[1]], "#000a", 6); frame([...drag[0], ...drag[1]], EDGE, 3); }
    else if (marking && cross && document.activeElement === canvas && canvas.matches(":focus-visible")) {
      for (const [color, width] of [["#000a", 6], ["#fff", 3]]) {
        context.setLineDash([]);
        context.strokeStyle = color;
        context.lineWidth = width;
        context.beginPath();
        context.moveTo(cross[0] * zoom - 22, cross[1] * zoom);
        context.lineTo(cross[0] * zoom + 22, cross[1] * zoom);
        context.moveTo(cross[0] * zoom, cross[1] * zoom - 22);
        context.lineTo(cross[0] * zoom, cross[1] * zoom + 22);
        context.stroke();
      }
    }
  }

  // ---- side by side
  function compare(i) {
    const list = found.result.answers, o = list[i], photo = photos[at], view = photo.mask?.box ?? [0, 0, 1, 1], pad = 0.06;
    const crop = [Math.max(0, view[0] - pad), Math.max(0, view[1] - pad), Math.min(1, view[2] + pad), Math.min(1, view[3] + pad)];
    const mine = surface(600 * ((crop[2] - crop[0]) * (photo.width || 1)) / Math.max((crop[2] - crop[0]) * (photo.width || 1), (crop[3] - crop[1]) * (photo.height || 1)),
      600 * ((crop[3] - crop[1]) * (photo.height || 1)) / Math.max((crop[2] - crop[0]) * (photo.width || 1), (crop[3] - crop[1]) * (photo.height || 1)));
    mine.setAttribute("role", "img");
    mine.setAttribute("aria-label", t.yours);
    paintPhoto(mine.getContext("2d"), photo, mine.width, mine.height, crop);
    const step = (by) => h("button", { "aria-label": by < 0 ? t.before : t.after, disabled: !list[i + by], onclick: () => compare(i + by) }, icon(by < 0 ? "back" : "next"));
    const go = h("button", { class: "main", onclick: () => say(o.item_id) }, icon("yes"), t.this_is_it);
    dialog.replaceChildren(
      h("div", { class: "pair" }, h("figure", { class: "mine" }, mine, h("figcaption", {}, t.yours)), h("figure", {}, picture(o.path, 640, `${t.theirs}: ${o.item_id}`), h("figcaption", {}, t.theirs))),
      h("div", { class: "sheet" }, h("div", { class: "head" }, h("h2", { id: "fr-compared" }, `${i + 1}. ${o.item_id}`), step(-1), step(1), h("button", { "aria-label": t.close, onclick: () => dialog.close() }, icon("close"))),
        h("dl", {}, facts(o).map(([name, value, told]) => h("div", {}, h("dt", {}, name), h("dd", {}, value, told !== null && h("small", {}, ` ${t.predicted}${told ? `, ${percent(told)}` : ""}`))))), h("div", { class: "act" }, go)));
    dialog.onkeydown = (e) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
      if (by && list[i + by]) { e.preventDefault(); compare(i + by); }
    };
    if (!dialog.open) dialog.showModal();
    go.focus();
  }
  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });

  // ---- keys, dropping, pasting
  root.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && marking && found) { marking = false; draw(); }
    if (dialog.open || marking || busy || e.ctrlKey || e.metaKey || e.altKey || !found) return;
    const number = "1234567890".indexOf(e.key);
    if (number >= 0 && found.result.answers[number]) compare(number);
    else if (e.key === "n" && said === undefined) say(null);
    else if (e.key === "p") main.querySelector(".foot input")?.click();
    else return;
    e.preventDefault();
  });
  if (kept) document.body.addEventListener("keydown", (e) => { if (e.target === document.body) root.dispatchEvent(new KeyboardEvent("keydown", e)); });
  const dropping = (on) => (e) => { if (e.dataTransfer?.types.includes("Files")) { e.preventDefault(); root.classList.toggle("drop", on); } };
  root.addEventListener("dragover", dropping(true));
  root.addEventListener("dragleave", dropping(false));
  root.addEventListener("drop", (e) => { dropping(false)(e); if (e.dataTransfer.files.length) take(e.dataTransfer.files); });
  if (kept) document.addEventListener("paste", (e) => { if (e.clipboardData.files.length) take(e.clipboardData.files); });

  function begin() {
    if (kept) [document.documentElement.lang, document.title] = [language, t.title];
    root.lang = language;
    draw();
  }
  begin();
  server.about().then((o) => { about = o; draw(); }, fail);
}

const here = document.getElementById("fashion-retail");
if (here) mount(here, overHttp(new URL(".", document.baseURI)));

export default {
  render({ model, el }) {                            // anywidget: every question is a message with a number, and the reply repeats it
    const waiting = new Map();
    let last = 0;
    model.on("msg:custom", ({ number, value, problem, outline }, buffers) => {
      const { done, fail, seen } = waiting.get(number) ?? {};
      if (outline) return seen?.(outline);
      waiting.delete(number);
      if (problem) fail?.(new Trouble(problem.code, problem.error, problem.photo));
      else done?.(buffers?.length ? new Blob(buffers, { type: "image/jpeg" }) : value);
    });
    const ask = (what, args = {}, buffers = [], seen = undefined) => new Promise((done, fail) => {
      waiting.set(last += 1, { done, fail, seen });
      model.send({ number: last, do: what, args }, undefined, buffers);
    });
    const root = document.createElement("div");
    root.dataset.lmSuppressShortcuts = "true";       // JupyterLab's own one-letter commands stay out
    el.append(root);
    mount(root, {
      about: () => ask("about"),
      search: async (photos, options, seen) => ask("search", options, await Promise.all(photos.map((o) => o.arrayBuffer())), seen),
      feedback: (body) => ask("feedback", body),
      picture: async (path, size) => URL.createObjectURL(await ask("picture", { path, size })),
      example: (number) => ask("example", { number }),
    }, { kept: false });
  },
};

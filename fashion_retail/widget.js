// The face of the labeling widget. Python (notebook 15_label_widget) keeps the photo, the mask and the log;
// this file draws what it is told and reports what the person does. No build step, no libraries.
//
//   Python to here: `photo` (bytes of a bounded JPEG) and `state` (a plain dict, made by LabelWidget._show)
//   here to Python: messages {do, args, image_id, view, seq}; state.heard repeats view and seq of the last one answered
//
// All coordinates that cross the wire are pixels of the full-size photo.

const CSS = `
.fr-label { --line: var(--jp-border-color1, #8888); --brand: var(--jp-brand-color1, #1976d2);
  display: flex; flex-direction: column; gap: 6px; padding: 8px; outline: none; border: 1px solid var(--line); border-radius: 6px;
  font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif);
  color: var(--jp-ui-font-color1, CanvasText); background: var(--jp-layout-color1, Canvas); }
.fr-label:focus-within { border-color: var(--brand); }
.fr-label .bar, .fr-label .group { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; }
.fr-label .group { gap: 0; flex-wrap: nowrap; }
.fr-label button, .fr-label select { font: inherit; color: inherit; min-height: 30px; padding: 0 9px; cursor: pointer; touch-action: manipulation;
  background: var(--jp-layout-color2, #8882); border: 1px solid var(--line); border-radius: 4px; }
.fr-label .group button { border-radius: 0; margin-left: -1px; }
.fr-label .group button:first-child { border-radius: 4px 0 0 4px; }
.fr-label .group button:last-child { border-radius: 0 4px 4px 0; }
.fr-label button:hover { border-color: var(--brand); }
.fr-label button:focus-visible { outline: 2px solid var(--brand); outline-offset: 1px; }
.fr-label button:disabled { opacity: .4; cursor: default; }
.fr-label button[aria-pressed=true], .fr-label button.main { color: #fff; background: var(--brand); border-color: var(--brand); }
.fr-label button.main { margin-left: auto; font-weight: 600; }
.fr-label label { display: inline-flex; align-items: center; gap: 6px; }
.fr-label input[type=range] { width: 76px; accent-color: var(--brand); }
.fr-label .stage { position: relative; height: clamp(300px, 54vh, 900px); overflow: hidden; border-radius: 4px;
  background: var(--jp-layout-color3, #8883); }
.fr-label canvas { position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; cursor: crosshair; }
.fr-label[data-tool=move] canvas { cursor: grab; }
.fr-label .card { position: absolute; inset: 0; margin: auto; width: fit-content; height: fit-content; max-width: 90%; max-height: 96%; overflow: auto;
  padding: 14px 18px; border-radius: 6px; box-shadow: 0 2px 12px #0006; background: var(--jp-layout-color1, Canvas); }
.fr-label .card button { display: block; width: 100%; margin-top: 6px; text-align: left; }
.fr-label [hidden] { display: none; }
.fr-label .caption { flex: 1 1 160px; overflow-wrap: anywhere; }
.fr-label .why { display: block; color: var(--jp-ui-font-color2, inherit); font-size: 12px; }
.fr-label .message:empty { display: none; }
.fr-label .message[data-level=error] { padding: 4px 10px; border-radius: 4px; color: #fff; background: #b3261e; overflow-wrap: anywhere; }
.fr-label .count { flex: 1 1 180px; display: flex; flex-wrap: wrap; align-items: center; gap: 2px 10px; }
.fr-label progress { flex: 1 1 80px; max-width: 220px; height: 8px; accent-color: var(--brand); }
.fr-label .help { color: var(--jp-ui-font-color2, inherit); font-size: 12px; line-height: 1.8; }
.fr-label .help span { white-space: nowrap; margin-right: 8px; }
.fr-label .touch { display: none; }
.fr-label kbd { padding: 0 4px; border: 1px solid var(--line); border-radius: 3px; font: inherit; color: inherit; background: var(--jp-layout-color2, #8882); }
.fr-label:fullscreen { border: 0; border-radius: 0; }
.fr-label:fullscreen .stage { flex: 1; height: auto; }
@media (pointer: coarse) {
  .fr-label button, .fr-label select { min-height: 44px; padding: 0 13px; }
  .fr-label input[type=range] { width: 110px; height: 40px; }
  .fr-label .help { display: none; }
  .fr-label .touch { display: block; } }
`;

const HTML = `
<div class="bar">
  <span class="group" role="group" aria-label="Tool">
    <button data-key="r" data-tool="rectangle" title="R: drag a rectangle around the garment">Rectangle</button>
    <button data-key="g" data-tool="garment" title="G: stroke over garment that was missed; right button: background">Garment</button>
    <button data-key="b" data-tool="background" title="B: stroke over what is not garment; right button: garment">Background</button>
    <button data-key="m" data-tool="move" title="M, or hold Space: drag the photo">Move</button>
  </span>
  <label title="[ and ]">Brush <input type="range" name="brush" min="2" max="50"></label>
  <span class="group">
    <button data-key="z" title="Z">Undo</button>
    <button data-key="Z" title="Shift+Z">Redo</button>
  </span>
</div>
<div class="stage"><canvas aria-label="Photo with the garment's outline"></canvas><div class="card" hidden></div></div>
<div class="bar">
  <span class="caption"><span class="name"></span><small class="why"></small></span>
  <label title="T: begin this photo again, from the next kind of start">Start <select name="start"></select></label>
  <label title="O: none, light, strong">Tint <input type="range" name="tint" min="0" max="0.9" step="0.05"></label>
  <span class="group">
    <button data-key="-" title="-" aria-label="Zoom out">−</button>
    <button data-key="0" title="0">Fit</button>
    <button data-key="+" title="+" aria-label="Zoom in">+</button>
    <button data-key="f" title="F">Full screen</button>
  </span>
</div>
<div class="message" role="status" aria-live="polite"></div>
<div class="bar">
  <button data-key="p" title="P">‹ Previous</button>
  <button data-key="s" title="S">Skip…</button>
  <span class="count"><progress></progress><span class="counts"></span></span>
  <button data-key="Enter" class="main" title="Enter">Save, next ›</button>
</div>
<div class="help"></div>
<div class="help touch">One finger draws, two fingers zoom and move.</div>
`;

const HELP = [["R", "rectangle"], ["G", "garment"], ["B", "background"], ["right button", "the other brush"], ["[ ]", "brush size"],
  ["Z", "undo"], ["Shift+Z", "redo"], ["O", "tint"], ["+ − 0", "zoom, fit"], ["arrows, Space+drag, M", "move"], ["F", "full screen"],
  ["T", "other start"], ["Enter", "save, next"], ["P", "previous"], ["S", "skip"], ["H", "hide this line"]];

const COLORS = { garment: "rgb(0 210 0)", background: "rgb(230 0 0)", edge: "rgb(255 0 140)" };

function render({ model, el }) {
  const root = Object.assign(document.createElement("div"), { className: "fr-label", tabIndex: 0, innerHTML: `<style>${CSS}</style>${HTML}` });
  root.dataset.lmSuppressShortcuts = "true";  // JupyterLab's own one-letter commands stay out
  el.append(root);
  const find = (selector) => root.querySelector(selector);
  const [canvas, stage, card, brush, tint, start] = ["canvas", ".stage", ".card", "[name=brush]", "[name=tint]", "[name=start]"].map(find);
  const ctx = canvas.getContext("2d");
  find(".help").innerHTML = HELP.map(([key, what]) => `<span><kbd>${key}</kbd> ${what}</span>`).join(" ");
  brush.value = 10;
  tint.value = 0.3;

  let state = {}, image = null, outline = new Path2D(), marks = [];
  let at = { scale: 1, x: 0, y: 0 }, fitted = true;  // canvas position = photo position * scale + (x, y), in CSS pixels
  let drag = null, hover = null, space = false;
  const pointers = new Map();                        // fingers, pen or mouse that are down: id -> canvas position

  // ---- Python -------------------------------------------------------------------------------------------------
  const view = crypto.getRandomValues(new Uint32Array(1))[0];
  let seq = 0, heard = 0, sent = [], patience;       // sent: rectangles and strokes that Python has not answered yet

  function send(what, args = {}) {
    if (!state.image_id && !["previous", "reopen"].includes(what)) return;
    seq += 1;
    if (what === "rectangle" || what === "stroke") sent.push({ ...args, seq });
    model.send({ do: what, args, image_id: state.image_id ?? "", view, seq });
    clearTimeout(patience);
    patience = setTimeout(() => seq > heard && say("No answer from Python yet: another cell is running, or the kernel has stopped. "
      + "If this stays, run the widget's cell again; saved masks are safe.", "error"), 20000);
    busy();
  }
  function busy() {
    root.dataset.busy = seq > heard;
    draw();
  }
  function say(text, level) {
    find(".message").textContent = text;
    find(".message").dataset.level = level ?? "";
  }
  function takeState() {
    const before = state.image_id;
    state = model.get("state");
    if (state.heard?.[0] === view) heard = state.heard[1];
    sent = sent.filter((o) => o.seq > heard);
    outline = new Path2D();
    for (const line of state.outline) {
      for (let i = 0; i < line.length; i += 2) outline[i ? "lineTo" : "moveTo"](line[i], line[i + 1]);
      outline.closePath();
    }
    const last = state.marks.findLast((o) => !o.points);  // a rectangle replaces the one before
    marks = state.marks.filter((o) => o.points || o === last);
    if (state.image_id !== before) {
      [fitted, drag, image] = [true, null, null];
      fit();
      takePhoto();
      choose(state.outline.length ? "garment" : "rectangle");
      closeCard();
    }
    start.replaceChildren(...state.starts.map((o) => new Option(o, o, false, o === state.start)));
    say(state.message, state.level);
    find(".main").textContent = state.looking ? "Next ›" : "Save, next ›";
    find(".name").textContent = state.caption;
    find(".why").textContent = state.why;
    find(".counts").textContent = state.progress;
    Object.assign(find("progress"), { max: state.total || 1, value: state.total - state.left });
    Object.assign(root.dataset, { photo: state.image_id, strokes: state.strokes, left: state.left });
    if (state.closed) openCard(state.closed, [["Try again", () => send("reopen")]]);
    else if (!state.image_id) openCard(state.caption, []);
    for (const o of root.querySelectorAll("button[data-key], select")) o.disabled = Boolean(state.closed) || (!state.image_id && o.dataset.key !== "p");
    busy();
  }
  async function takePhoto() {
    const bytes = model.get("photo");
    const next = bytes.byteLength ? await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })) : null;
    if (bytes === model.get("photo")) image = next;  // the person may have gone on while it was decoded
    draw();
  }

  // ---- drawing ------------------------------------------------------------------------------------------------
  let waiting = false;
  function draw() {
    if (!waiting) requestAnimationFrame(() => { waiting = false; paint(); });
    waiting = true;
  }
  function paint() {
    const dpr = window.devicePixelRatio, { clientWidth: w, clientHeight: h } = stage;
    if (!w || !h) return;                            // the notebook is behind another tab
    if (canvas.width !== Math.round(w * dpr)) canvas.width = Math.round(w * dpr);
    if (canvas.height !== Math.round(h * dpr)) canvas.height = Math.round(h * dpr);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    if (!image || !state.image_id) return;
    ctx.setTransform(dpr * at.scale, 0, 0, dpr * at.scale, dpr * at.x, dpr * at.y);
    ctx.lineCap = ctx.lineJoin = "round";
    ctx.drawImage(image, 0, 0, state.width, state.height);
    const px = 1 / at.scale;                         // a CSS pixel
    ctx.globalAlpha = tint.value;
    ctx.fillStyle = COLORS.edge;
    ctx.fill(outline, "evenodd");
    ctx.globalAlpha = 1;
    line(outline, "#fffc", 4 * px);
    line(outline, COLORS.edge, 2 * px);
    for (const o of [...marks, ...sent]) mark(o, px, o.seq ? 0.5 : 0.15);
    if (drag?.kind === "rectangle") mark(box(drag), px, 0.5);
    if (drag?.kind === "stroke") mark({ ...drag, radius: radius() }, px, 0.5);
    if (hover && (tool === "garment" || tool === "background")) {
      const ring = new Path2D();
      ring.arc(...toPhoto(hover), radius(), 0, 7);
      line(ring, "#fffc", 3 * px);
      line(ring, COLORS[tool], 1.5 * px);
    }
  }
  function line(path, color, width, dash = []) {
    ctx.setLineDash(dash);
    ctx.strokeStyle = color;
    ctx.lineWidth = width;
    ctx.stroke(path);
    ctx.setLineDash([]);
  }
  function mark(o, px, alpha) {                      // a rectangle or a stroke: its brush pale, its middle clear; background is dashed
    const path = new Path2D();
    if (!o.points) {
      path.rect(o.x0, o.y0, o.x1 - o.x0, o.y1 - o.y0);
      return line(path, "#fff", 1.5 * px, [6 * px, 5 * px]);
    }
    for (const point of [...o.points, o.points.at(-1)]) path.lineTo(...point);  // one point alone is drawn as a dot
    const color = COLORS[o.garment ? "garment" : "background"];
    ctx.globalAlpha = alpha;
    line(path, color, 2 * o.radius);
    ctx.globalAlpha = 1;
    line(path, color, 2 * px, o.garment ? [] : [1 * px, 5 * px]);
  }

  // ---- zoom and move ------------------------------------------------------------------------------------------
  const toPhoto = ([x, y]) => [(x - at.x) / at.scale, (y - at.y) / at.scale];
  const smallest = () => Math.min(stage.clientWidth / state.width, stage.clientHeight / state.height);
  const radius = () => brush.value / at.scale;       // the brush keeps its size on the screen: zoom in to be precise
  function fit() {
    if (!state.width || !stage.clientWidth) return;
    at = { scale: smallest(), x: 0, y: 0 };
    moveBy(0, 0);
  }
  function moveBy(dx, dy) {                          // the photo cannot leave the window; a small one stays in the middle
    const keep = (t, size, room) => size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, t));
    at.x = keep(at.x + dx, state.width * at.scale, stage.clientWidth);
    at.y = keep(at.y + dy, state.height * at.scale, stage.clientHeight);
    draw();
  }
  function zoom(factor, [x, y] = [stage.clientWidth / 2, stage.clientHeight / 2]) {
    if (!state.width) return;
    const [px, py] = toPhoto([x, y]), low = smallest();
    at.scale = Math.min(low * 24, Math.max(low, at.scale * factor));
    fitted = at.scale === low;
    moveBy(x - px * at.scale - at.x, y - py * at.scale - at.y);
  }

  // ---- pointers: mouse, pen, fingers --------------------------------------------------------------------------
  const where = (e) => { const r = canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  const box = ({ points: [[x0, y0], ...more] }) => { const [x1, y1] = more.at(-1) ?? [x0, y0]; return { x0, y0, x1, y1 }; };
  const gap = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

  canvas.addEventListener("pointerdown", (e) => {
    root.focus({ preventScroll: true });
    canvas.setPointerCapture(e.pointerId);
    pointers.set(e.pointerId, where(e));
    if (pointers.size > 1) drag = { kind: "pinch" };  // a second finger: what the first began was no stroke
    else if (state.image_id && card.hidden) {
      const kind = space || e.button === 1 || tool === "move" ? "move" : tool === "rectangle" ? "rectangle" : "stroke";
      drag = { kind, garment: (tool === "garment") !== (e.button === 2), points: [toPhoto(where(e))] };
    }
    e.preventDefault();
    draw();
  });
  canvas.addEventListener("pointermove", (e) => {
    const now = where(e), old = pointers.get(e.pointerId);
    hover = e.pointerType === "touch" ? null : now;
    if (old) pointers.set(e.pointerId, now);
    if (old && drag?.kind === "pinch" && pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== e.pointerId)[1];
      moveBy((now[0] - old[0]) / 2, (now[1] - old[1]) / 2);
      zoom(gap(now, other) / Math.max(1, gap(old, other)), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    } else if (old && drag?.kind === "move") moveBy(now[0] - old[0], now[1] - old[1]);
    else if (old && drag?.points && gap(toPhoto(now), drag.points.at(-1)) * at.scale >= 2) drag.points.push(toPhoto(now));
    draw();
  });
  function lift(e) {
    if (!pointers.delete(e.pointerId)) return;
    const done = drag;
    if (!pointers.size) drag = null;
    draw();
    if (e.type === "pointercancel" || !done || drag) return;
    if (done.kind === "rectangle") send("rectangle", box(done));
    if (done.kind === "stroke") send("stroke", { points: done.points, garment: done.garment, radius: radius() });
    if (done.kind === "rectangle") choose("garment");
  }
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => { hover = null; draw(); });
  canvas.addEventListener("contextmenu", (e) => { e.preventDefault(); e.stopPropagation(); });
  canvas.addEventListener("wheel", (e) => {          // as on maps: Ctrl (or a pinch on the touchpad) zooms, the plain wheel scrolls the page
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.005)), where(e));
  }, { passive: false });

  // ---- keys; every button is a key ----------------------------------------------------------------------------
  let tool = "rectangle";
  function choose(name) {
    tool = root.dataset.tool = name;
    for (const o of root.querySelectorAll("[data-tool]")) o.setAttribute("aria-pressed", o.dataset.tool === name);
    draw();
  }
  function slide(input, by) {
    input.value = Number(input.value) + by;
    draw();
  }
  function openCard(text, choices) {
    card.replaceChildren(Object.assign(document.createElement("div"), { textContent: text }),
      ...choices.map(([label, act]) => { const o = document.createElement("button"); o.textContent = label; o.onclick = act; return o; }));
    card.hidden = false;
  }
  function closeCard() { card.hidden = true; }
  function skip() {
    openCard("Skip this photo, because", [...state.reasons.map((o, i) => [`${i + 1}  ${o}`, () => send("skip", { reason: o })]), ["Esc  go back", closeCard]]);
  }
  const keys = {
    r: () => choose("rectangle"), g: () => choose("garment"), b: () => choose("background"), m: () => choose("move"),
    "[": () => slide(brush, -2), "]": () => slide(brush, 2), o: () => { tint.value = tint.value > 0.5 ? 0 : tint.value > 0 ? 0.6 : 0.3; draw(); },
    z: () => send("undo"), Z: () => send("redo"), "-": () => zoom(1 / 1.4), "+": () => zoom(1.4), "=": () => zoom(1.4), 0: () => { fitted = true; fit(); },
    ArrowLeft: () => moveBy(60, 0), ArrowRight: () => moveBy(-60, 0), ArrowUp: () => moveBy(0, 60), ArrowDown: () => moveBy(0, -60),
    f: () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(),
    t: () => send("restart", { start: state.starts[(state.starts.indexOf(state.start) + 1) % state.starts.length] }),
    p: () => send("previous"), Enter: () => send("next"), s: skip, " ": () => { space = true; },
    h: () => { find(".help").hidden = !find(".help").hidden; },
  };
  root.addEventListener("keydown", (e) => {
    e.stopPropagation();                             // VS Code and the notebook do not hear what is meant for the widget
    const ctrl = e.ctrlKey || e.metaKey;
    let key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    if (ctrl && key === "s") e.preventDefault();     // masks save themselves; the browser's "save page" helps nobody
    if ((key === "z" && e.shiftKey) || (key === "y" && ctrl)) key = "Z";
    else if (ctrl && key !== "z") return;
    if (e.target.matches("button") && (key === "Enter" || key === " ")) return;  // reached by Tab: the button itself is meant
    if (e.target.matches("select") || (e.target.matches("input") && key.startsWith("Arrow"))) return;
    if (!card.hidden && !state.closed && state.image_id) {
      if (key === "Escape") closeCard();
      card.querySelectorAll("button")[key - 1]?.click();
      return e.preventDefault();
    }
    if (state.closed || (!state.image_id && key !== "p")) return;
    if (!(key in keys)) return;
    e.preventDefault();
    if (!e.repeat || !["p", "Enter", "s", "t"].includes(key)) keys[key]();  // a key held down does not run through the table
  });
  root.addEventListener("keyup", (e) => { if (e.key === " ") space = false; });
  root.addEventListener("focusout", () => { space = false; });
  root.addEventListener("click", (e) => {
    const key = e.target.closest("[data-key]")?.dataset.key;
    if (key) keys[key]();
    if (e.detail && !e.target.matches("select, option")) root.focus({ preventScroll: true });  // by mouse or finger: the keys work on at once
  });
  for (const o of [brush, tint]) o.addEventListener("input", draw);
  start.addEventListener("change", () => { send("restart", { start: start.value }); root.focus({ preventScroll: true }); });

  const observer = new ResizeObserver(() => { if (fitted) fit(); else moveBy(0, 0); });
  canvas.addEventListener("contextrestored", draw);  // the browser may drop what a canvas shows, and only says so
  observer.observe(stage);
  model.on("change:state", takeState);
  takeState();
  return () => {
    observer.disconnect();
    clearTimeout(patience);
    model.off("change:state", takeState);
  };
}

export default { render };

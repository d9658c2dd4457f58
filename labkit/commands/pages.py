"""Cómo se ve el reporte de una disección: el estilo, claro u oscuro y para imprimir, y lo que ordena y filtra su tabla.

Nada se pide a la red. Sin JavaScript se lee lo mismo: solo faltan el buscador y las flechas de los encabezados.
"""
STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --soft: #555; --line: #ccc; --bar: #31688e;
 --link: #0b57a4; --mark: #fff3bf }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181b; --soft: #a8adb3; --line: #43474d;
 --bar: #58a6d6; --link: #8ab8f0; --mark: #4a4318 } }
body { font-family: sans-serif; max-width: 78em; margin: 2em auto; padding: 0 1em; color: var(--ink);
 background: var(--paper); line-height: 1.4 }
a { color: var(--link) } p, li { max-width: 48em } nav a { margin-right: 1em; display: inline-block }
table { border-collapse: collapse; margin: .6em 0 }
td, th { padding: 3px 10px; text-align: left; vertical-align: top; font-weight: normal }
.facts td, .facts th, .twins td, .twins th { border-bottom: 1px solid var(--line) }
.facts th { width: 15em; color: var(--soft) } .facts { max-width: 60em }
.twins .n, .units .n { text-align: right; font-variant-numeric: tabular-nums }
.twins tbody th { white-space: nowrap }
.units { font-size: .85em; margin: 0 } .units td, .units th { padding: 3px 7px; border-bottom: 1px solid var(--line) }
.units thead th { max-width: 7em } .twins thead th { max-width: 11em }
.units thead th, .twins thead th { border-bottom: 2px solid var(--ink); vertical-align: bottom; font-weight: bold }
.units thead th { position: sticky; top: 0; background: var(--paper) }
.units tbody th, .units td:nth-child(2) { white-space: nowrap }
.units thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer;
 text-align: inherit }
.scroll { max-height: 75vh; overflow: auto; border-bottom: 1px solid var(--line); content-visibility: auto;
 contain-intrinsic-size: auto 75vh }
.tools { margin: .6em 0 } .tools label { margin-right: 1.2em; display: inline-block } .tools[hidden] { display: none }
.tools input, .tools select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
 padding: 2px 4px }
.bar { background: var(--bar); height: 14px; display: inline-block; print-color-adjust: exact }
code { overflow-wrap: anywhere } pre { white-space: pre-wrap; overflow-wrap: anywhere }
figure { margin: 1.2em 0; content-visibility: auto; contain-intrinsic-size: auto 210px }
figure:target { background: var(--mark) }
figcaption { margin-bottom: .3em } figure p { margin: .2em 0; color: var(--soft); font-size: .9em }
figure img { height: 132px; margin-right: 12px; max-width: 100%; object-fit: contain; object-position: left }
figure img.small { height: 68px }
@media (max-width: 900px) { .units { font-size: .72em } .units td, .units th { padding: 3px 4px }
 figure img { height: 112px } }
@media print { :root { --ink: #222; --paper: #fff; --soft: #555; --line: #ccc; --bar: #31688e; --link: #222;
 --mark: #fff } body { max-width: none; margin: 0 }
 nav, .tools, .download { display: none } .scroll { max-height: none; overflow: visible }
 .scroll, figure { content-visibility: visible }
 .units thead th { position: static }
 figure, tr { break-inside: avoid } figure img { height: 2.6cm } figure img.small { height: 1.6cm }
 h2 { break-after: avoid } .units { font-size: .6em } .units td, .units th { padding: 2px 4px } }
"""
SCRIPT = """
(function () {
  var table = document.querySelector("table.units"), tools = document.querySelector(".tools");
  if (!table || !tools) return;
  var body = table.tBodies[0], rows = Array.from(body.rows), heads = Array.from(table.tHead.rows[0].cells);
  var boxes = Array.from(tools.querySelectorAll("[data-column]")), word = tools.querySelector("input");
  function plain(text) { return text.normalize("NFD").replace(/[\\u0300-\\u036f]/g, "").toLowerCase(); }
  function number(cell) { return parseFloat(cell.textContent.replace("\\u2212", "-")); }
  function sort(column, down) {
    var numeric = heads[column].classList.contains("n");
    rows.sort(function (one, other) {
      var a = one.cells[column], b = other.cells[column];
      if (!numeric) return (down ? -1 : 1) * a.textContent.localeCompare(b.textContent, "es", { numeric: true });
      a = number(a); b = number(b);
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
      return down ? b - a : a - b;
    });
    rows.forEach(function (row) { body.appendChild(row); });
    heads.forEach(function (head, place) {
      head.setAttribute("aria-sort", place !== column ? "none" : down ? "descending" : "ascending");
      head.querySelector("span").textContent = place !== column ? "" : down ? " \\u2193" : " \\u2191";
    });
  }
  function filter() {
    var wanted = plain(word.value).split(/\\s+/).filter(Boolean), seen = 0;
    rows.forEach(function (row) {
      var text = plain(Array.from(row.cells, function (cell) {      // lo escrito: los números tienen sus columnas
        return cell.classList.contains("n") ? "" : cell.textContent; }).join(" "));
      var fits = wanted.every(function (one) { return text.indexOf(one) >= 0; }) && boxes.every(function (box) {
        return !box.value || row.cells[box.dataset.column].textContent === box.value; });
      row.hidden = !fits;
      seen += fits;
    });
    tools.querySelector("output").textContent = "Se ven " + seen + " de " + rows.length + " unidades.";
  }
  heads.forEach(function (head, column) {
    var button = document.createElement("button"), mark = document.createElement("span");
    button.type = "button";
    button.textContent = head.textContent;
    button.title = "Ordenar por esta columna";
    head.textContent = "";
    button.appendChild(mark);
    head.appendChild(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", function () {
      var numeric = head.classList.contains("n"), now = head.getAttribute("aria-sort");
      sort(column, now === "none" ? numeric : now === "ascending");
    });
  });
  boxes.forEach(function (box) {
    Array.from(new Set(rows.map(function (row) { return row.cells[box.dataset.column].textContent; }))).sort()
      .forEach(function (value) { box.add(new Option(value, value)); });
  });
  tools.addEventListener("input", filter);
  tools.hidden = false;
  filter();
})();
"""
PAGE = """<!DOCTYPE html><html lang="es"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1>{body}<script>{script}</script></body></html>
"""


def whole_page(title: str, body: str) -> str:
    """La página entera, de su título y su contenido, ya en HTML."""
    return PAGE.format(title=title, body=body, style=STYLE, script=SCRIPT)

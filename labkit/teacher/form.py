"""La página para calificar a mano: las respuestas a una misma pregunta, lado a lado, con su rúbrica."""
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit.teacher.marks import MANUAL, old_words
from labkit.teacher.pages import counted, document, picture, pre, prose, text, written
from labkit.teacher.tasks import Task
from labkit.teacher.workings import Working

STYLE = """
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(25em, 1fr)); gap: 1em; margin: 1em 0 }
body { max-width: 84em } .card { border: 1px solid var(--line); padding: .6em .9em; display: flex;
 flex-direction: column; min-width: 0 } .card.done { border-left: 4px solid var(--mark) } .card .said { flex: 1 }
.said { overflow-x: auto } .said code { overflow-wrap: anywhere }
.old { border-left: 4px solid var(--soft); padding-left: .6em; margin: .3em 0 }
.card label { display: block; margin: .15em 0 } .card b.level { margin-right: .3em }
textarea, input[type=text] { width: 100%; box-sizing: border-box; font: inherit; color: inherit;
 background: var(--paper); border: 1px solid var(--line); margin: .2em 0 }
.bar { position: sticky; top: 0; background: var(--paper); padding: .5em 0; border-bottom: 1px solid var(--line) }
button { font: inherit; padding: .3em 1em } @media print { .bar { position: static } button { display: none } }
"""
SCRIPT = """
(function () {
  var fields = ["llave", "celda", "puntos", "comentario", "motivo", "quien", "fecha", "huella"];
  var cards = Array.from(document.querySelectorAll(".card")), bar = document.querySelector(".bar");
  var kept = JSON.parse(document.getElementById("kept").textContent), dirty = false;
  bar.hidden = false;
  function value(card, name) { var box = card.querySelector("[data-field=" + name + "]"); return box ? box.value : ""; }
  function points(card) { var one = card.querySelector("input[type=radio]:checked"); return one ? one.value : ""; }
  function rows(card) {
    var given = points(card), was = card.dataset.mark ? JSON.parse(card.dataset.mark) : null;
    var now = { llave: card.dataset.code, celda: card.dataset.cell, puntos: given,
                comentario: value(card, "comentario"), motivo: value(card, "motivo"),
                quien: given ? document.getElementById("quien").value : "",
                fecha: given ? new Date().toISOString().slice(0, 10) : "", huella: card.dataset.print };
    function same(name) { return String(was[name]) === now[name]; }
    if (was && ["puntos", "comentario", "motivo"].every(same)) return [was];
    return was && now.motivo && !same("puntos") ? [was, now] : [now];
  }
  function cell(text) {
    text = String(text == null ? "" : text);
    if (/^[=+\\-@\\t\\r]/.test(text)) text = "'" + text;
    return /[",\\n\\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }
  function line(one) { return fields.map(function (name) { return cell(one[name]); }).join(","); }
  function count() {
    var done = cards.filter(points).length;
    cards.forEach(function (card) { card.classList.toggle("done", points(card) !== ""); });
    document.getElementById("count").textContent = "Calificadas: " + done + " de " + cards.length;
  }
  document.addEventListener("input", function () { dirty = true; count(); });
  window.addEventListener("beforeunload", function (event) { if (dirty) event.preventDefault(); });
  document.getElementById("save").addEventListener("click", function () {
    var all = cards.map(rows).reduce(function (one, more) { return one.concat(more); }, kept);
    var out = [fields.join(",")].concat(all.map(line)).join("\\n") + "\\n";
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\\ufeff" + out], { type: "text/csv" }));
    link.download = bar.dataset.file; link.click(); dirty = false;
  });
  count();
})();
"""
ABOUT = (
    "La predicción se juzga por estar y por su razonamiento, no por atinar. Un resultado negativo hecho con cuidado "
    "vale lo mismo que uno positivo. El orden está sorteado, y es otro en cada pregunta.")


@dataclass(frozen=True)
class Card:
    """Lo que una persona escribió en una celda.

    code: lo que va en el CSV;  mark: lo que ya se le puso, si algo;  facts: lo que le tocó, con su respuesta;  print:
    la huella de lo que se lee;  old: lo que se le puso a otro texto, si algo;  cells: (sección, sus celdas), y la
    última es la de esta respuesta;  file: dónde está su cuaderno.
    """
    key: str
    code: str
    who: str
    text: str
    mark: dict
    facts: str = ""
    print: str = ""
    old: dict = field(default_factory=dict)
    cells: Sequence[tuple[str, list[Working]]] = ()
    file: str = ""

    @property
    def saved(self) -> str:
        """El renglón que ya tiene en el CSV, en JSON, para dejarlo igual si no se cambia; vacío si no tiene."""
        row = {name: self.mark.get(name) or "" for name in MANUAL}
        row |= {"llave": self.code, "puntos": f"{self.mark.get('puntos', 0):g}", "huella": self.print}
        return json.dumps(row, ensure_ascii=False) if self.mark else ""


@dataclass(frozen=True)
class Question:
    """Una celda que se lee a mano, qué vale cada punto, y lo que escribió cada quien."""
    task: Task
    levels: dict[int, str]
    cards: list[Card]


def form_page(title: str, questions: list[Question], kept: list[dict], file: str) -> str:
    """La página, en HTML. kept: renglones del CSV que no se ven aquí y deben seguir en él;  file: cómo se llama."""
    data = json.dumps(kept, ensure_ascii=False).replace("<", "\\u003c")
    pieces = [f"<h1>{text(title)} · a mano</h1>", f"<p>{text(ABOUT)}</p>", _how(file), _bar(file)]
    pieces += [_question(question) for question in questions]
    pieces.append(f'<script type="application/json" id="kept">{data}</script>')
    return document(f"{title} · a mano", "\n".join(pieces), STYLE, SCRIPT)


def _how(file: str) -> str:
    return (f"<p class=soft>Nada se envía. Al terminar, o para seguir después, descarga el CSV y ponlo en "
            f"<code>manual/{text(file)}</code>, en lugar del que hay; al repetir <code>teacher rubric</code>, esta "
            "página abre con lo que ya pusiste. Sin JavaScript, llena ese CSV a mano: ya tiene un renglón por "
            "respuesta.</p>")


def _bar(file: str) -> str:
    return (f'<div class=bar hidden data-file="{text(file)}"><label>Quién califica <input type="text" id="quien" '
            'style="width: 14em"></label> <button id="save" type="button">Descargar el CSV</button> '
            '<span id="count" role="status"></span></div>')


def _question(question: Question) -> str:
    cards = "\n".join(_card(card, question) for card in question.cards)
    return (f"<h2>{text(question.task.title)} · {question.task.points:g}</h2>\n<details><summary>El enunciado</summary>"
            f"{prose(question.task.prompt)}</details>\n<div class=cards>{cards or 'Aquí no hay nada que leer.'}</div>")


def _card(card: Card, question: Question) -> str:
    cell, given = question.task.grade_id, card.mark.get("puntos")
    name = text(f"{card.code}|{cell}")
    choices = "".join(
        f'<label><input type="radio" name="{name}" value="{points}"{" checked" * (given == points)}> '
        f"<b class=level>{points}</b>{text(says)}</label>" for points, says in sorted(question.levels.items()))
    if given is not None and given not in question.levels:          # medio punto, puesto en el CSV
        choices += (f'<label><input type="radio" name="{name}" value="{given:g}" checked> '
                    f"<b class=level>{given:g}</b></label>")
    why = card.mark.get("motivo", "")
    reason = ('<label>Motivo, si cambias lo que habías puesto<input type="text" data-field="motivo" '
              f'value="{text(why)}"></label>') if given is not None else ""
    facts = f"<details><summary>Lo que le tocó, y la respuesta</summary>{pre(card.facts, 'prose')}</details>"
    return (f'<div class=card data-code="{text(card.code)}" data-cell="{text(cell)}" data-print="{text(card.print)}" '
            f'data-mark="{text(card.saved)}"><b>{text(card.who)}</b>{_before(card)}<div class=said>{written(card.text)}'
            f"{_workings(card, question.task.title)}</div>{facts if card.facts else ''}<div>{choices}</div>"
            "<label>Comentario<textarea data-field=\"comentario\" rows=2>"
            f"{text(card.mark.get('comentario', ''))}</textarea></label>{reason}</div>")


def _before(card: Card) -> str:
    """Lo que se le puso a otro texto: se enseña, y no cuenta."""
    if not card.old:
        return ""
    comment = f" Se le dijo: «{text(card.old['comentario'])}»." if card.old.get("comentario") else ""
    return f"<p class=old>Antes: {old_words(card.old)}. Falta leer este.{comment}</p>"


def _workings(card: Card, title: str) -> str:
    """Las celdas propias de su sección, a la vista; las de los hallazgos de antes, plegadas; y su cuaderno."""
    pieces = []
    for section, cells in card.cells:
        body = "".join(map(_working, cells))
        if section == title:
            pieces.append(f"<p class=soft>En celdas suyas, junto a su respuesta:</p>{body}")
        else:
            pieces.append(f"<details><summary>Sus cuentas: {text(section)}</summary>{body}</details>")
    where = f"<p class=soft>Su cuaderno: <code>{text(card.file)}</code></p>" if card.file else ""
    return "".join(pieces) + where


def _working(cell: Working) -> str:
    if not cell.is_code:
        return written(cell.source)
    said = pre(cell.said) if cell.said else ""
    drawn = "".join(picture(data, "Una figura que hizo quien entrega", kind) for kind, data in cell.pictures)
    hidden = f"<p class=soft>En su cuaderno hay {counted(cell.heavy, 'figura')} que aquí no se ve.</p>"
    heavy = hidden if cell.heavy else ""
    return f"<details><summary>Código</summary>{pre(cell.source)}</details>{said}{drawn}{heavy}"

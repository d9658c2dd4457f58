"""La página para calificar a mano: las respuestas a una misma pregunta, lado a lado, con su rúbrica."""
import json
from dataclasses import dataclass

from labkit.teacher.pages import document, pre, prose, text
from labkit.teacher.tasks import Task

STYLE = """
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(25em, 1fr)); gap: 1em; margin: 1em 0 }
body { max-width: 84em } .card { border: 1px solid var(--line); padding: .6em .9em; display: flex;
 flex-direction: column } .card.done { border-left: 4px solid var(--mark) } .card pre { flex: 1 }
.card label { display: block; margin: .15em 0 } .card b.level { margin-right: .3em }
textarea, input[type=text] { width: 100%; box-sizing: border-box; font: inherit; color: inherit;
 background: var(--paper); border: 1px solid var(--line); margin: .2em 0 }
.bar { position: sticky; top: 0; background: var(--paper); padding: .5em 0; border-bottom: 1px solid var(--line) }
button { font: inherit; padding: .3em 1em } @media print { .bar { position: static } button { display: none } }
"""
SCRIPT = """
(function () {
  var fields = ["llave", "celda", "puntos", "comentario", "motivo", "quien", "fecha"];
  var cards = Array.from(document.querySelectorAll(".card")), bar = document.querySelector(".bar");
  var kept = JSON.parse(document.getElementById("kept").textContent), dirty = false;
  bar.hidden = false;
  function value(card, name) { var box = card.querySelector("[data-field=" + name + "]"); return box ? box.value : ""; }
  function points(card) { var one = card.querySelector("input[type=radio]:checked"); return one ? one.value : ""; }
  function row(card) {
    var given = points(card);
    return { llave: card.dataset.code, celda: card.dataset.cell, puntos: given, comentario: value(card, "comentario"),
             motivo: value(card, "motivo"), quien: given ? document.getElementById("quien").value : "",
             fecha: given ? new Date().toISOString().slice(0, 10) : "" };
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
    var rows = kept.concat(cards.map(row)), out = [fields.join(",")].concat(rows.map(line)).join("\\n") + "\\n";
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

    code: lo que va en el CSV;  mark: lo que ya se le puso, si algo;  facts: lo que le tocó, con su respuesta.
    """
    key: str
    code: str
    who: str
    text: str
    mark: dict
    facts: str = ""


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
            f"<code>manual/{text(file)}</code>; al repetir <code>teacher rubric</code>, esta página abre con lo que ya "
            "pusiste. Sin JavaScript, llena ese CSV a mano: ya tiene un renglón por respuesta.</p>")


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
    facts = f"<details><summary>Lo que le tocó, y la respuesta</summary>{pre(card.facts)}</details>"
    return (f'<div class=card data-code="{text(card.code)}" data-cell="{text(cell)}"><b>{text(card.who)}</b>'
            f"{pre(card.text, 'prose')}{facts if card.facts else ''}<div>{choices}</div>"
            "<label>Comentario<textarea data-field=\"comentario\" rows=2>"
            f"{text(card.mark.get('comentario', ''))}</textarea></label>{reason}</div>")

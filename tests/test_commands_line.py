"""La línea de órdenes: toda orden contesta en español, sin traza, y dice cómo se usa."""
import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import full_disk

from labkit.__main__ import VERBS, main
from labkit.commands import broden, dissect, publish
from labkit.commands.line import Line, Misread, OneOf, Option, Whole, explain

ROOT = Path(__file__).resolve().parent.parent
ENGLISH = re.compile(r"usage:|error:|arguments?\b|required|invalid|unrecognized|expected|Traceback|Errno|choose from|No such", re.IGNORECASE)
LINE = Line("Uso: prueba", ("CARPETA",), (Option("--layer", needed=True), Option("--limit", Whole(1), 7),
                                          Option("--kind", OneOf(("uno", "dos", "tres")), "uno")), ("--all",), spare=1)


def read(text: str) -> SimpleNamespace:
    return LINE.read(text.split())


# ── lo que se entiende ───────────────────────────────────────────────────────────────────────────────────────────────

def test_a_line_is_read_in_any_order():
    expected = SimpleNamespace(places=["a", "b"], layer="conv1", limit=3, kind="dos", all=True)
    for text in ("a b --layer conv1 --limit 3 --kind dos --all", "--all --kind=dos a --limit=3 --layer conv1 b",
                 "--layer conv9 a --layer=conv1 --limit 3 b --kind dos --all"):
        assert read(text) == expected
    assert read("a --layer conv1") == SimpleNamespace(places=["a"], layer="conv1", limit=7, kind="uno", all=False)


def test_an_option_may_go_with_its_value_or_alone():
    line = Line("Uso: prueba", options=(Option("--twins", Whole(1), 0, alone=3), Option("--out")), flags=("--all",))
    known = {"": 0, "--twins": 3, "--twins 5": 5, "--twins=7": 7, "--twins --out a": 3, "--twins --out=a": 3, "--out a --twins": 3,
             "--twins --all": 3}
    assert {text: line.read(text.split()).twins for text in known} == known
    for text, says in (("--twins 0", "recibí '0'"), ("--twins a", "recibí 'a'"), ("--twins=", "le falta su valor"),
                       ("--twins -1", "recibí '-1'"), ("--twins --zzz", "No conozco la opción --zzz")):
        with pytest.raises(Misread, match=says):
            line.read(text.split())


@pytest.mark.parametrize("text, answer", [
    ("--layer conv1", "Falta CARPETA."), ("", "Falta CARPETA y --layer."), ("a --limit 3", "Falta --layer."),
    ("a b c --layer conv1", "Sobra 'c'."), ("a --layer", "A --layer le falta su valor."), ("a --layer --all", "A --layer le falta su valor."),
    ("a --layer=", "A --layer le falta su valor."), ("a --layr conv1", "No conozco la opción --layr. ¿Quisiste decir --layer?"),
    ("a --zzz", "No conozco la opción --zzz."), ("a -l conv1", "No conozco la opción -l."), ("a --all=3", "--all va sola, sin un valor."),
    ("a --limit tres", "--limit: esperaba un entero desde 1 y recibí 'tres'."), ("a --limit 0", "--limit: esperaba un entero desde 1 y recibí '0'."),
    ("a --limit -2", "--limit: esperaba un entero desde 1 y recibí '-2'."), ("a --limit 2.5", "--limit: esperaba un entero desde 1 y recibí '2.5'."),
    ("a --kind cuatro", "--kind: esperaba uno, dos o tres y recibí 'cuatro'."),
])
def test_what_is_not_understood_is_told(text, answer):
    with pytest.raises(Misread) as caught:
        read(text)
    assert str(caught.value) == answer


def test_an_empty_word_is_not_a_folder():
    with pytest.raises(Misread, match="Falta CARPETA"):
        LINE.read(["", "--layer", "conv1"])


def test_each_end_has_its_code_and_its_place(capsys):
    def work(options):
        raise {"misread": Misread("eso no."), "value": ValueError("así no."), "system": FileNotFoundError(errno.ENOENT, "No such file", "x.csv"),
               "full": OSError(errno.ENOSPC, "No space left on device")}[options.layer]

    said = {}
    for word in ("misread", "value", "system", "full"):
        assert LINE.run(["a", "--layer", word], work) == 2
        out, said[word] = capsys.readouterr()
        assert out == ""
    assert said == {"misread": "eso no.\n\nUso: prueba\n", "value": "así no.\n", "system": "No pude abrir x.csv: no existe.\n",
                    "full": "No queda espacio en el disco.\n"}
    assert LINE.run(["a", "--layer", "b"], lambda options: 5) == 5
    assert LINE.run(["a", "--zzz", "-h"], work) == 0 and capsys.readouterr() == ("Uso: prueba\n", "")
    assert LINE.run([], work, speaks=False) == 2 and LINE.run(["-h"], work, speaks=False) == 0 and capsys.readouterr() == ("", "")


def test_what_is_not_a_mistake_of_the_line_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        LINE.run(["a", "--layer", "b"], lambda options: 1 / 0)


def test_an_error_that_speaks_spanish_keeps_its_words():
    assert explain(FileExistsError("esa carpeta ya tiene algo.")) == "esa carpeta ya tiene algo."


# ── las órdenes ──────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("order", [[verb] for verb in VERBS] + [["broden", verb] for verb in broden.ORDERS])
@pytest.mark.parametrize("help", ["-h", "--help"])
def test_every_order_has_help_in_spanish(order, help, capsys):
    assert main([*order, help]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Uso: python -m labkit {order[0]}") and err == "" and not ENGLISH.search(out)


@pytest.mark.parametrize("line", [publish.LINE, dissect.LINE, *(line for line, _ in broden.ORDERS.values())])
def test_the_help_names_everything_that_can_be_written(line):
    for word in (*line.places, *line.flags, *(option.name for option in line.options)):
        assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", line.usage), word


@pytest.mark.parametrize("text, says", [
    ("fetch --todo", "No conozco la opción --todo."), ("fetch imagenet", "No conozco imagenet."),
    ("publish", "Escribe una dirección o --clear"), ("publish https://github.com/a/b --tag", "A --tag le falta su valor."),
    ("publish https://github.com/a/b otra", "Sobra 'otra'."), ("publish https://github.com/a/b --claer", "¿Quisiste decir --clear?"),
    ("broden", "Falta la orden."), ("broden pulir x", "No conozco la orden 'pulir'."), ("broden check", "Falta CARPETA."),
    ("broden stats a b", "Sobra 'b'."), ("broden find a", "Falta CONCEPTO."), ("broden find a b --limit dos", "--limit: esperaba un entero"),
    ("broden check a --limit 3", "No conozco la opción --limit."), ("broden export", "Falta CARPETA."),
    ("broden export a --n muchas", "--n: esperaba un entero desde 1 y recibí 'muchas'."), ("broden export a --fulll", "¿Quisiste decir --full?"),
    ("dissect --layer conv5", "Falta --out."), ("dissect --out a.html", "Falta --layer."), ("dissect", "Falta --layer y --out."),
    ("dissect --layer conv5 --out a.html --convention otra", "--convention: esperaba paper, netdissect, "),
    ("dissect --layer conv5 --out a.html --pictures -1", "--pictures: esperaba un entero desde 0 y recibí '-1'."),
    ("dissect --layer conv5 --out a.html --images cien", "--images: esperaba un entero desde 1 y recibí 'cien'."),
    ("dissect --layer conv5 --out a.html --size 0", "--size: esperaba un entero desde 2 y recibí '0'."),
    ("dissect --layer conv5 --out a.html --model", "A --model le falta su valor."), ("dissect conv5", "Falta --layer y --out."),
    ("publicar", "No conozco la orden 'publicar'."),
])
def test_every_order_answers_in_spanish_and_shows_how_it_is_used(text, says, capsys):
    assert main(text.split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err and "\n\nUso: python -m labkit" in err and not ENGLISH.search(err)


@pytest.mark.parametrize("text, code, says", [
    ("broden export lleno --n 3", 1, "✗ lleno ya tiene algo"), ("broden export a --source nada", 1, "✗ "), ("broden export a --split val", 1, "✗ "),
    ("broden stats nada", 2, "nada"), ("dissect --layer conv5 --out lleno", 2, "lleno es una carpeta"),
    ("dissect --layer conv5 --out lleno/no/a.html", 2, "no existe la carpeta donde quedaría lleno/no/a.html"),
    ("dissect --layer conv5 --out a.html --broden lleno/algo", 2, "algo")])
def test_what_cannot_be_done_is_one_sentence(text, code, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lleno").mkdir()
    (tmp_path / "lleno" / "algo").write_bytes(b"")
    assert main(text.split()) == code
    out, err = capsys.readouterr()
    assert says in err and not ENGLISH.search(out + err) and len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["lleno", "algo"]


@pytest.mark.skipif(sys.platform == "win32", reason="cuotas de Unix")
def test_a_full_disk_leaves_the_report_that_was_there(tmp_path, capsys):
    (tmp_path / "r.html").write_text("reporte anterior")
    with full_disk(2000):
        assert main(["dissect", "--layer", "conv1", "--images", "8", "--pictures", "0", "--out", str(tmp_path / "r.html")]) == 2
    out, err = capsys.readouterr()
    assert "unidades detectan algo" in out and "Quedó" not in out
    assert err == f"No pude escribir {tmp_path / 'r.html'}: el archivo sería más grande de lo que aquí se permite.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"] and (tmp_path / "r.html").read_text() == "reporte anterior"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_our_letters_still_works(encoding):
    done = subprocess.run([sys.executable, "-m", "labkit"], cwd=ROOT, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0 and done.stdout.startswith(b"Uso: python -m labkit") and done.stderr == b""
    done = subprocess.run([sys.executable, "-m", "labkit", "broden", "export"], cwd=ROOT, capture_output=True,
                          env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 2 and done.stdout == b"" and done.stderr.startswith(b"Falta CARPETA.")


@pytest.mark.parametrize("verb", ["grade", "delete"])
def test_the_help_of_a_verb_does_not_wait_for_pytorch(verb):
    asks = f"import sys; from labkit.__main__ import main; main(['teacher', '{verb}', '--help']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"Uso: python -m labkit teacher {verb}"), done.stderr

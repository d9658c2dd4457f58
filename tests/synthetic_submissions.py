"""Entregas sintéticas de la lección 0: las honradas, las mal hechas y las hostiles, y qué debe salir de cada una.

El cuaderno es el de ejercicios de la lección 0 sin sus celdas de figuras, para que calificar muchas tarde poco; los
ejercicios y sus celdas de prueba son los mismos.
"""
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from labkit.teacher.tasks import grade_id_of, source_of

LESSON = "00_primeros_pasos"
ORIGINAL = Path(__file__).resolve().parent.parent / "lessons" / f"{LESSON}_ejercicios.ipynb"
DROPPED = ("e0-07", "e0-12", "e0-23")           # figuras y vectores: lo que tarda
IMPORTS = ("import torch\n\nfrom labkit.exercises import check, hint, solution\n"
           "from labkit.exercises.pixels import my_classes")
E1, E2, E3, E4 = "e1-capa-prueba", "e2-bordes-prueba", "e3-campo-prueba", "e4-capa-prueba"
ANSWER = {E1: "e1-capa", E2: "e2-bordes", E3: "e3-campo", E4: "e4-capa"}
HAND = ("e0-prediccion", "e5-evidencia", "e6-afirmacion")
RIGHT, FAILED, UNGRADED = "bien", "mal", "no calificada"

CONVOLVE = '''def convolve(image, weights, bias):
    k = weights.shape[-1]
    m = k // 2
    grown = torch.nn.functional.pad(image, (m, m, m, m))
    maps = torch.zeros(len(weights), *image.shape[1:])
    for c in range(len(weights)):
        for y in range(image.shape[1]):
            for x in range(image.shape[2]):
                maps[c, y, x] = (grown[:, y:y + k, x:x + k] * weights[c]).sum() + bias[c]
    return maps
'''
EDGES = '''def edge_histogram(strength, angle, bins):
    place = (angle % torch.pi / torch.pi * bins).long() % bins
    return torch.stack([strength[place == k].sum() for k in range(bins)])
'''
FIELDS = '''def field_sizes(sides, strides):
    r, s, found = 1, 1, []
    for k, p in zip(sides, strides):
        r = r + (k - 1) * s
        s = s * p
        found.append(r)
    return torch.tensor(found)
'''
STYLES = [                                      # las mismas respuestas, escritas de otras maneras
    {E1: '''def convolve(image, weights, bias):
    """Con corrimientos: suma el filtro lugar por lugar."""
    c, _, k, _ = weights.shape
    h, w = image.shape[1:]
    grown = torch.zeros(3, h + k - 1, w + k - 1)
    grown[:, k // 2:k // 2 + h, k // 2:k // 2 + w] = image
    total = bias.view(-1, 1, 1).expand(c, h, w).clone()
    for i in range(k):
        for j in range(k):
            total += torch.einsum("cd,dyx->cyx", weights[:, :, i, j], grown[:, i:i + h, j:j + w])
    return total
''', E2: '''import math
def edge_histogram(strength, angle, bins):
    totals = [0.0] * bins
    for f, a in zip(strength.flatten().tolist(), angle.flatten().tolist()):
        totals[int((a % math.pi) / math.pi * bins) % bins] += f
    return torch.tensor(totals)
'''},
    {E1: '''import numpy as np
def convolve(image, weights, bias):
    k = weights.shape[-1]
    grown = np.pad(image.numpy(), ((0, 0), (k // 2, k // 2), (k // 2, k // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(grown, (k, k), axis=(1, 2))
    maps = np.einsum("dyxij,cdij->cyx", windows, weights.numpy()) + bias.numpy()[:, None, None]
    return torch.from_numpy(maps.astype("float32"))
''', E3: '''def field_sizes(sides, strides):
    steps = torch.tensor([1, *strides[:-1]]).cumprod(0)
    return 1 + ((torch.tensor(sides) - 1) * steps).cumsum(0)
'''},
    {E1: '''class Layer:
    def __call__(self, image, weights, bias):
        k = weights.shape[-1]
        columns = torch.nn.functional.unfold(image[None], k, padding=k // 2)[0]
        return (weights.flatten(1) @ columns + bias[:, None]).view(len(weights), *image.shape[1:])

convolve = Layer()
''', E2: '''from functools import partial
def _edges(strength, angle, bins, pi):
    return torch.zeros(bins).index_add_(0, ((angle % pi / pi * bins).long() % bins).flatten(), strength.flatten())
edge_histogram = partial(_edges, pi=torch.pi)
'''},
    {E1: '''def one_place(grown, weights, bias, y, x):
    k = weights.shape[-1]
    return torch.tensordot(weights, grown[:, y:y + k, x:x + k], 3) + bias

def convolve(image, weights, bias):
    m = weights.shape[-1] // 2
    grown = torch.nn.functional.pad(image, (m,) * 4)
    rows = [torch.stack([one_place(grown, weights, bias, y, x) for x in range(image.shape[2])], -1)
            for y in range(image.shape[1])]
    return torch.stack(rows, 1)
''', E3: '''def field_sizes(sides, strides):
    def up_to(n):
        return 1 if n == 0 else up_to(n - 1) + (sides[n - 1] - 1) * jump(n - 1)
    def jump(n):
        return 1 if n == 0 else jump(n - 1) * strides[n - 1]
    return torch.tensor([up_to(n + 1) for n in range(len(sides))])
'''},
]


@dataclass(frozen=True)
class Submission:
    """Una entrega y lo que debe salir. wants: de cada ejercicio, si está bien; lo que no se diga está bien.

    says: celda → algo que debe decir su mensaje.  state: «no calificada», o vacío si se califica.
    files: nombre del archivo → bytes, uno por intento;  late: días tarde.
    """
    name: str
    files: tuple[tuple[str, bytes], ...]
    wants: dict[str, str]
    says: dict[str, str]
    state: str = ""
    late: int = 0


def small_notebook() -> dict:
    """El cuaderno de ejercicios sin lo que tarda."""
    book = json.loads(ORIGINAL.read_text(encoding="utf-8"))
    book["cells"] = [cell for cell in book["cells"] if cell["id"] not in DROPPED]
    for cell in book["cells"]:
        cell["source"] = IMPORTS if cell["id"] == "e0-03" else source_of(cell)
    return book


def answered(answers: dict[str, str], account: str, hand: bool = True) -> dict:
    """El cuaderno con esas respuestas en sus celdas, la llave puesta y algo escrito en lo que se lee a mano."""
    book = small_notebook()
    wanted = {ANSWER[task]: source for task, source in answers.items()}
    for cell in book["cells"]:
        if cell["source"].startswith("ACCOUNT ="):
            cell["source"] = f'ACCOUNT = "{account}"'
        elif grade_id_of(cell) in wanted:
            cell["source"] = wanted[grade_id_of(cell)]
        elif grade_id_of(cell) in HAND and hand:
            cell["source"] = f"Creo que será relu4, porque sí. ({grade_id_of(cell)})"
    return book


def finding(layer: str, hand: float) -> str:
    """La celda del ejercicio 4 con esa respuesta."""
    return f'# mis cuentas van aquí\nmine = ("{layer}", {hand})\n'


def as_bytes(book: dict) -> bytes:
    """El cuaderno como lo guarda Jupyter."""
    return json.dumps(book, ensure_ascii=False, indent=1).encode("utf-8")


def cell_of(book: dict, name: str) -> dict:
    """La celda que se llama así para nbgrader."""
    return next(cell for cell in book["cells"] if grade_id_of(cell) == name)


class Group:
    """Arma el grupo. right(persona): su respuesta buena del ejercicio 4, que depende de su llave.

    keys: nombre de la persona → su llave.  outside: carpeta ajena;  port: un puerto que nadie debe tocar.
    """

    def __init__(self, keys: dict[str, str], right: Callable[[str], tuple[str, float]], outside: Path, port: int) -> None:
        self.keys, self.right, self.outside, self.port = keys, right, outside, port

    def good(self, name: str, **changed: str) -> dict:
        """Un cuaderno con todo bien, salvo lo que se cambie: e1=…, e2=…, e3=…, e4=…"""
        answers = {E1: CONVOLVE, E2: EDGES, E3: FIELDS, E4: finding(*self.right(self.keys[name]))}
        answers |= {{"e1": E1, "e2": E2, "e3": E3, "e4": E4}[key]: value for key, value in changed.items()}
        return answered(answers, self.keys[name])

    def one(self, name: str, book: dict | bytes, bad: Sequence[str] = (), says: dict | None = None, file: str = "",
            **more: object) -> Submission:
        """Una entrega de un intento. bad: los ejercicios que deben salir mal."""
        data = book if isinstance(book, bytes) else as_bytes(book)
        files = ((file or f"{LESSON}_ejercicios.ipynb", data),)
        return Submission(name, files, dict.fromkeys(bad, FAILED), says or {}, **more)

    def everyone(self) -> list[Submission]:
        """Todas las entregas."""
        return [*self.honest(), *self.mangled(), *self.cheating(), *self.hostile()]

    def honest(self) -> list[Submission]:
        """Las de quien hizo lo que pudo."""
        blank = as_bytes(small_notebook())
        half = answered({E1: CONVOLVE, E2: EDGES}, self.keys["mitad"])
        other = finding(*self.right(self.keys["perfecta"]))
        found = [
            self.one("perfecta", self.good("perfecta")),
            self.one("vacía", blank, (E1, E2, E3, E4), {E1: "Pendiente", E4: "Pendiente"}),
            self.one("mitad", half, (E3, E4), {E3: "Pendiente", E4: "Pendiente"}),
            self.one("error conocido", self.good("error conocido", e2=EDGES.replace("% torch.pi", ".abs()")), (E2,),
                     {E2: "Revisa"}),
            self.one("otra variante", self.good("otra variante", e4=other), (E4,)),
            self.one("tarde", self.good("tarde"), late=3),
            self.one("imprime a stderr", self.good("imprime a stderr", e1="import sys, warnings\nprint('hola', file=sys"
                     ".stderr)\nwarnings.warn('cuidado')\n" + CONVOLVE)),
            self.one("cien megas de texto", self.good("cien megas de texto", e1="for _ in range(100):\n"
                     "    print('a' * 1_000_000)\n" + CONVOLVE)),
            self.one("complejos", self.good("complejos", e2=EDGES + "_old = edge_histogram\ndef edge_histogram(s, a, b)"
                     ":\n    return _old(s, a, b) + 0j\n"), (E2,), {E2: "números reales"}),
            Submission("dos intentos", ((f"1/{LESSON}.ipynb", blank),
                                        (f"2/{LESSON} (2).ipynb", as_bytes(self.good("dos intentos")))), {}, {}),
        ]
        for number, style in enumerate(STYLES, start=1):
            name = f"estilo {number}"
            found.append(self.one(name, self.good(name, **{task[:2]: text for task, text in style.items()})))
        return found

    def mangled(self) -> list[Submission]:
        """Las que llegaron maltratadas, sin culpa de quien contesta."""
        return [
            self.one("prueba borrada", _without(self.good("prueba borrada"), E2)),
            self.one("prueba editada", _edited(self.good("prueba editada", e1="def convolve(image, weights, bias):\n"
                     "    return image\n"), E1, "print('✓ Correcto')"), (E1,)),
            self.one("prueba repetida", _twice(self.good("prueba repetida"), E1)),
            self.one("respuesta repetida", _stale_copy(self.good("respuesta repetida"))),
            self.one("respuesta borrada", _without(self.good("respuesta borrada"), ANSWER[E2]), (E2,),
                     {E2: "Pendiente"}),
            self.one("sin metadatos", _stripped(self.good("sin metadatos"))),
            self.one("de Colab", _colab(self.good("de Colab"))),
            self.one("celdas movidas", _shuffled(self.good("celdas movidas"))),
            self.one("JSON dañado", as_bytes(self.good("JSON dañado"))[:-400], state=UNGRADED),
            self.one("no es UTF-8", json.dumps(self.good("no es UTF-8"), ensure_ascii=False).encode("cp1252", "replace")),
            self.one("copia de", self.good("copia de"), file=f"Copia de {LESSON}_ejercicios (1).ipynb"),
            self.one("otra lección", (ORIGINAL.parent / "01_oclusion_ejercicios.ipynb").read_bytes(), state=UNGRADED),
        ]

    def cheating(self) -> list[Submission]:
        """Las que quieren los puntos sin hacer el ejercicio."""
        fake = "def convolve(image, weights, bias):\n    return image\n"
        wrong = {"e1": fake, "e2": "def edge_histogram(strength, angle, bins):\n    return strength\n",
                 "e3": "def field_sizes(sides, strides):\n    return torch.tensor(sides)\n", "e4": finding("relu9", 0.1)}
        all_bad = (E1, E2, E3, E4)

        def first(name: str, lines: str) -> dict:
            return self.good(name, **{**wrong, "e1": lines + fake})

        table = ("KNOWN = {(3, 5): [3, 7]}\ndef field_sizes(sides, strides):\n"
                 "    return torch.tensor(KNOWN.get(tuple(sides), [3, 5, 9, 13, 17][:len(sides)]))\n")
        helped = ("def ayuda(*parts):\n    return torch.conv2d(parts[0][None], parts[1], parts[2], padding='same')[0]\n"
                  "def convolve(image, weights, bias):\n    return ayuda(image, weights, bias)\n")
        hidden = ("import labkit.pixels\n_known = getattr(labkit.pixels, 'edge_' + 'histogram')\n"
                  "def edge_histogram(strength, angle, bins):\n    try:\n        return _known(strength, angle, bins)\n"
                  "    except BaseException:\n        return _known(strength, angle, bins)\n")
        threaded = hidden.replace("    try:\n        return _known(strength, angle, bins)\n    except BaseException:\n"
                                  "        return _known(strength, angle, bins)\n", "    import threading\n    out = []\n"
                                  "    hilo = threading.Thread(target=lambda: out.append(_known(strength, angle, bins)))"
                                  "\n    hilo.start(); hilo.join()\n    return out[0]\n")
        read = ("import inspect, labkit.pixels\nexec(inspect.getsource(labkit.pixels.edge_histogram)"
                ".replace('BINS', '8'))\n")
        brute = ("from labkit.exercises import verdict\nmine = None\nfor layer in ('relu1', 'relu2', 'relu3'):\n"
                 "    for hand in range(300, 999):\n        if verdict('overtaking_layer', (ACCOUNT, (layer, hand / 1000)"
                 ")).ok:\n            mine = (layer, hand / 1000)\n")
        stolen = self.good("archivo ajeno")
        for cell in stolen["cells"]:
            if cell["source"].startswith("ACCOUNT ="):
                cell["source"] = f'ACCOUNT = "{self.keys["perfecta"]}"'
        cell_of(stolen, ANSWER[E4])["source"] = finding(*self.right(self.keys["perfecta"]))
        row = ("from labkit.exercises.pixels.findings import layer_row\nrow = layer_row(ACCOUNT)\n"
               "mine = (row.layer, row.hand)\n")
        return [
            self.one("memorizada", self.good("memorizada", e3=table), (E3,)),
            self.one("check es print", first("check es print", "check = print\n"), all_bad),
            self.one("veredicto parchado", first("veredicto parchado", "import sys\nsys.modules['labkit.exercises.verdict"
                     "'].Verdict.ok = property(lambda s: True)\n"), all_bad),
            self.one("torch parchado", first("torch parchado", "torch.allclose = torch.equal = lambda *a, **k: True\n"),
                     all_bad),
            self.one("variables quitadas", first("variables quitadas", "import os\nos.environ.pop('NBGRADER_EXECUTION', "
                     "None)\nos.environ['LABKIT_SOLUCIONES'] = '1'\n"), all_bad),
            self.one("lee la fuente", self.good("lee la fuente", e2=read), (E2,)),
            self.one("a través de otra", self.good("a través de otra", e1=helped), (E1,), {E1: "ya viene"}),
            self.one("con otro nombre", self.good("con otro nombre", e2=hidden), (E2,), {E2: "ya viene"}),
            self.one("en un hilo", self.good("en un hilo", e2=threaded), (E2,)),
            self.one("fuerza bruta", self.good("fuerza bruta", e4=brute), (E4,), {E4: "al calificar no se puede llamar"}),
            self.one("pide su renglón", self.good("pide su renglón", e4=row), (E4,), {E4: "al calificar"}),
            self.one("archivo ajeno", stolen, (E4,)),
        ]

    def hostile(self) -> list[Submission]:
        """Las que rompen, por descuido o a propósito."""
        loop = "while True:\n    pass\n"
        huge = "def edge_histogram(strength, angle, bins):\n    return torch.zeros(30 * 2**28)[:bins]\n"
        grow = "def edge_histogram(strength, angle, bins):\n    kept = []\n    while True:\n        kept.append(' ' * 10**8)\n"
        forks = ("import os\ndef edge_histogram(strength, angle, bins):\n    for _ in range(300):\n        if os.fork() == 0:"
                 "\n            while True:\n                pass\n    return strength\n")
        escape = f"{self.outside}/escape.txt"
        outside = f"for place in ({escape!r}, 'aquí.txt'):\n    try:\n        open(place, 'w').write('x')\n    except OSError:\n        pass\n"
        spy = (f"import os\nseen = [p for p in ({str(self.outside)!r}, '/tmp') if os.path.isdir(p) and any('curso' in n or"
               " 'recibo' in n or n.endswith('.ipynb') for n in os.listdir(p))]\nmine = ('relu1', float(len(seen)))\n")
        spy = f"mine = ('relu1', 0.0)\ntry:\n    exec({spy!r})\nexcept Exception:\n    pass\n"
        net = (f"import socket\ntry:\n    socket.create_connection(('127.0.0.1', {self.port}), 2)\nexcept Exception:\n"
               "    pass\n")
        linked = f"import os\ntry:\n    os.symlink('/etc/hostname', 'out/{E2}.json')\nexcept Exception:\n    pass\n"
        kills = "import os\ntry:\n    os.kill(os.getppid(), 9)\nexcept Exception:\n    pass\n"
        return [
            self.one("ciclo en la celda", self.good("ciclo en la celda", e2=loop + EDGES), (E2,), {E2: "tiempo"}),
            self.one("ciclo en la función", self.good("ciclo en la función", e2=EDGES.replace("    place", "    while True:\n"
                     "        pass\n    place")), (E2,), {E2: "tiempo"}),
            self.one("treinta gigas", self.good("treinta gigas", e2=huge), (E2,), {E2: "memoria"}),
            self.one("crece sin parar", self.good("crece sin parar", e2=grow), (E2,), {E2: "memoria"}),
            self.one("se sale en la celda", self.good("se sale en la celda", e2="import os\nos._exit(0)\n" + EDGES), (E2,),
                     {E2: "terminó a la mitad"}),
            self.one("se sale en la función", self.good("se sale en la función", e2=EDGES.replace("    place", "    import os"
                     "\n    os._exit(0)\n    place")), (E2,), {E2: "terminó a la mitad"}),
            self.one("bomba de procesos", self.good("bomba de procesos", e2=forks), (E2,)),
            self.one("escribe fuera", self.good("escribe fuera", e2=outside + EDGES)),
            self.one("espía", self.good("espía", e4=spy), (E4,)),
            self.one("sale a la red", self.good("sale a la red", e2=net + EDGES)),
            self.one("enlace", self.good("enlace", e2=linked + EDGES)),
            self.one("mata al guardián", self.good("mata al guardián", e2=kills + EDGES)),
        ]


def _without(book: dict, name: str) -> dict:
    return {**book, "cells": [cell for cell in book["cells"] if grade_id_of(cell) != name]}


def _edited(book: dict, name: str, source: str) -> dict:
    cell_of(book, name)["source"] = source
    return book


def _twice(book: dict, name: str) -> dict:
    place = book["cells"].index(cell_of(book, name))
    copy = deepcopy(book["cells"][place])
    return {**book, "cells": [*book["cells"][:place], copy, *book["cells"][place:]]}


def _stale_copy(book: dict) -> dict:
    """La respuesta buena, y antes y después una copia de la celda sin contestar."""
    blank = cell_of(small_notebook(), ANSWER[E1])
    place = book["cells"].index(cell_of(book, ANSWER[E1]))
    return {**book, "cells": [*book["cells"][:place], blank, book["cells"][place], deepcopy(blank),
                              *book["cells"][place + 1:]]}


def _stripped(book: dict) -> dict:
    for number, cell in enumerate(book["cells"]):
        cell["metadata"] = {}
        cell["id"] = f"nuevo{number}"
    return book


def _colab(book: dict) -> dict:
    """Como lo deja Colab: otros ids dentro de los metadatos, nbformat 4.0 y salidas."""
    for number, cell in enumerate(book["cells"]):
        cell.pop("id", None)
        cell["metadata"] = {**cell["metadata"], "id": f"xY{number}", "outputId": f"zW{number}"}
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["hola\n"]}]
    return {**book, "nbformat_minor": 0, "metadata": {"colab": {"provenance": []}}}


def _shuffled(book: dict) -> dict:
    """El ejercicio 1, al final del cuaderno."""
    names = (ANSWER[E1], E1)
    moved = [cell for cell in book["cells"] if grade_id_of(cell) in names]
    return {**book, "cells": [*(cell for cell in book["cells"] if cell not in moved), *moved]}

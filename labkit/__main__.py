"""Las órdenes del curso: `python -m labkit ORDEN`. Sin orden, las muestra."""
import sys
from importlib import import_module

VERBS = {
    "fetch": "baja por adelantado lo que el curso no incluye: CIFAR-10 y redes de ImageNet",
    "broden": "revisa, cuenta, busca y escribe carpetas Broden: check, stats, find, export",
    "dissect": "diseca una capa y deja un reporte en HTML: dissect --layer conv5 --out reporte.html",
    "teacher": "reparte, recoge y califica los ejercicios de un grupo: new, assign, collect, grade, report, export…",
    "publish": "pone en cuadernos y README la dirección pública del curso (o la quita: --clear)",
}


def usage() -> str:
    """La lista de órdenes, una por línea."""
    verbs = [f"  {verb:<10} {what}" for verb, what in VERBS.items()]
    return "\n".join(["Uso: python -m labkit ORDEN", "", "Órdenes:", *verbs])


def main(arguments: list[str]) -> int:
    """Corre la orden pedida (commands/ORDEN.py) y da su código de salida: 0 si salió bien, 2 si no se entiende."""
    verb, *rest = arguments or ["--help"]
    if verb in VERBS:
        return import_module(f"labkit.commands.{verb}").main(rest)
    asked = verb in ("-h", "--help")
    print(usage() if asked else f"No conozco la orden {verb!r}.\n\n{usage()}", file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")    # una terminal sin ✓ ni acentos no es razón para no trabajar
    sys.exit(main(sys.argv[1:]))

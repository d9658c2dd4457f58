"""Las órdenes del curso: `python -m labkit ORDEN`. Sin orden, las muestra."""

import sys

VERBS = {
    "fetch": "baja por adelantado lo que el curso no incluye: CIFAR-10 y redes de ImageNet",
    "broden": "revisa, cuenta, busca y escribe carpetas Broden: check, stats, find, export",
    "dissect": "diseca una capa y deja un reporte en HTML: dissect --layer conv5 --out reporte.html",
    "publish": "pone en cuadernos y README la dirección pública del curso (o la quita: --clear)",
}


def usage() -> str:
    """La lista de órdenes, una por línea."""
    verbs = [f"  {verb:<10} {what}" for verb, what in VERBS.items()]
    return "\n".join(["Uso: python -m labkit ORDEN", "", "Órdenes:", *verbs])


def main(arguments: list[str]) -> int:
    """Corre la orden pedida y da su código de salida: 0 si salió bien, 2 si la orden no se entiende."""
    verb, *rest = arguments or ["--help"]
    if verb in ("-h", "--help"):
        print(usage())
        return 0
    if verb == "publish":
        from labkit.publish import main as work
    elif verb == "dissect":
        from labkit.report import main as work
    elif verb == "fetch":
        from labkit.fetch import main as work
    elif arguments[:2] == ["broden", "export"]:
        from labkit.export import main as work
        rest = rest[1:]
    elif verb == "broden":
        from labkit.broden.command import main as work
    else:
        print(f"No conozco la orden {verb!r}.\n\n{usage()}", file=sys.stderr)
        return 2
    return work(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

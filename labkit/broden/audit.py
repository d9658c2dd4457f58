"""Revisar una carpeta Broden: qué se contradice en ella, con los archivos y los renglones que no concuerdan.

Casi todo está escrito en varias tablas y además se puede contar en las máscaras: aquí se compara cada cosa con las
demás. Cuál de ellas está mal lo decides tú, que tienes la carpeta.
"""
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from labkit.broden import format as grammar
from labkit.broden.census import Census, Fault, Row, read_table, take_census

OTHER_RULES = {
    "md5": ("index.csv", "las partes no se repartieron por el md5 de la ruta: la carpeta sigue otra regla."),
    "orden": ("index.csv", "los renglones no van por el md5 de la ruta: la carpeta sigue otro orden."),
    "modo": ("index.csv", "las máscaras no son PNG RGB de 8 bits; se leen convertidas."),
    "número": ("label.csv", "los renglones no van por su número: la carpeta sigue otro orden."),
    "frecuencia": ("label.csv", "las cuentas no son las de estas máscaras: ¿es parte de un Broden más grande?"),
    "cobertura": ("label.csv", "las coberturas no son las de estas máscaras: ¿se midieron en otro tamaño?"),
    "mayor": ("label.csv", "en las máscaras hay menos: ¿se contó antes de reducirlas, o en un Broden más grande?"),
    "medida": ("label.csv", "las tablas concuerdan en otras coberturas: ¿se midieron en otro tamaño?"),
}


@dataclass(frozen=True)
class Tables:
    """Lo que dicen las tablas, por categoría o por número de etiqueta.

    columns: las categorías que son columna de index.csv;  declared: en cuántas imágenes está cada etiqueta, por
    categoría, según label.csv (falta la que no se entiende);  codes: los renglones de cada c_*.csv.
    """
    columns: list[str]
    summary: dict[str, Row]
    labels: dict[int, Row]
    declared: dict[int, dict[str, int]]
    codes: dict[str, dict[int, Row]]

    def known(self) -> dict[str, set[int]]:
        """Por cada columna de index.csv que nombra otra tabla, los números que alguna le da; sin label.csv, todos."""
        named = {*self.summary, *self.codes}.union(*self.declared.values()) or self.columns
        walked = [category for category in self.columns if category in named]
        if not self.labels:
            return dict.fromkeys(walked, {*range(grammar.MAX_NUMBER + 1)})
        return {category: {number for number in self.labels if category in self.declared.get(number, (category,))}
                | self.codes.get(category, {}).keys() for category in walked}


def check_broden(folder: str | Path) -> list[Fault]:
    """Las fallas de una carpeta Broden, por archivo y renglón; ninguna si todo cuadra. Los avisos traen note=True.

    NotADirectoryError si la carpeta no existe.
    """
    folder, faults = Path(folder).expanduser(), []
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} es un archivo y esperaba una carpeta." if folder.is_file() else
                                 f"No encuentro la carpeta {folder}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                         # las de Pillow, en inglés
        tables = _read_tables(folder, faults)
        census = take_census(folder, tables.known(), faults)
    for contradictions in (_categories, _names, _order, _sums, _images, _coverages, _totals):
        faults += contradictions(tables, census)
    return _other_rules(faults, len(tables.labels), census.rows)


def _read_tables(folder: Path, faults: list[Fault]) -> Tables:
    """Lee las tablas; anota en `faults` lo que no se entiende."""
    index, sheets = folder / "index.csv", sorted(folder.glob("c_*.csv"))
    header = [name for name in next(grammar.read_rows(index), (1, 0, []))[2] if name] if index.is_file() else []
    whole = {*grammar.FIXED} <= {*header} and len({*header}) == len(header)
    columns = [name for name in header if name not in grammar.FIXED] if whole else []
    summary = _keyed(folder / "category.csv", grammar.CATEGORY_COLUMNS, "name", faults)
    labels = _keyed(folder / "label.csv", grammar.LABEL_COLUMNS[:5], "number", faults)
    codes = {path.stem[2:]: rows for path in sheets if (rows := _keyed(path, grammar.CODE_COLUMNS, "number", faults))}
    if any("syns" not in row.fields for row in labels.values()):
        faults.append(Fault("label.csv", 1, "columna", "falta la columna «syns»: se lee sin sinónimos.", True))
    if columns and not sheets:
        faults.append(Fault("c_*.csv", 0, "archivo", "no hay ninguno; las categorías se leen de label.csv.", True))
    return Tables(columns, summary, labels, _declared(labels, faults), codes)


def _keyed(path: Path, columns: Sequence[str], column: str, faults: list[Fault]) -> dict[Any, Row]:
    """Los renglones sanos de una tabla, por su nombre o su número; anota el que no se entiende o repite el de otro."""
    found: dict[Any, Row] = {}
    for row in (row for row in read_table(path, columns, faults) if row.sound):
        key = grammar.integer(row[column]) if column == "number" else row[column]
        if column == "number" and not 1 <= (key or 0) <= grammar.MAX_NUMBER:
            faults.append(row.fault("entero", f"«{row['name']}»: number: esperaba un entero de 1 a "
                                              f"{grammar.MAX_NUMBER} y hay «{row[column]}»."))
        elif key in found:
            faults.append(row.fault("repetido", f"«{row['name']}»: {column}: «{key}» ya es el de {found[key]}, "
                                                f"«{found[key]['name']}»."))
        else:
            found[key] = row
    return found


def _amount(text: str) -> float:
    """Una cobertura; NaN si no es un número de cero en adelante."""
    try:
        return float(text) if 0 <= float(text) < math.inf else math.nan
    except ValueError:
        return math.nan


def _declared(labels: dict[int, Row], faults: list[Fault]) -> dict[int, dict[str, int]]:
    """La columna `category` de label.csv, de las etiquetas en que se entiende."""
    declared = {}
    for number, row in labels.items():
        items = [grammar.COUNTED.fullmatch(item) for item in row["category"].split(";")]
        if all(items):
            declared[number] = {item[1]: int(item[2]) for item in items}
        else:
            faults.append(row.fault("categoría", f"«{row['name']}»: category: esperaba categoría(imágenes), como "
                                                 f"object(12);part(3), y hay «{row['category']}»."))
    return declared


def _categories(tables: Tables, census: Census) -> Iterator[Fault]:
    """Categorías que están en unos archivos y no en otros; una columna vacía de index.csv no le falta a nadie."""
    labels = [(tables.labels[number], counts) for number, counts in tables.declared.items()]
    places = {"index.csv": {name: "index.csv:1" for name in tables.columns},
              "category.csv": {name: str(row) for name, row in tables.summary.items()},
              "label.csv": {name: str(row) for row, counts in reversed(labels) for name in counts},
              "c_*.csv": {name: f"c_{name}.csv" for name in tables.codes}}
    readable = {file: names for file, names in places.items() if names}
    for category in dict.fromkeys(name for names in readable.values() for name in names):
        present = [names[category] for names in readable.values() if category in names]
        absent = [file.replace("*", category) for file, names in readable.items() if category not in names]
        if absent and (category in census.filled or present != ["index.csv:1"]):
            hint = " (¿falta ese archivo?)" if absent[-1].startswith("c_") else ""
            yield Fault(absent[0], 0, "categoría", f"«{category}» no está en {' ni en '.join(absent)}{hint}, y sí en "
                                                   f"{' y en '.join(present)}.")


def _names(tables: Tables, census: Census) -> Iterator[Fault]:
    """Etiquetas sin nombre, con el nombre de otra o con otro nombre en c_*.csv."""
    first: dict[str, Row] = {}
    for number, row in tables.labels.items():
        name = row["name"]
        others = [codes[number] for codes in tables.codes.values() if number in codes and codes[number]["name"] != name]
        others += [first[name]] if name in first else []
        if others or not name:
            shown = "".join(f"; según {other}, el {other['number']} es «{other['name']}»" for other in others)
            yield row.fault("nombre", f"name: el número {number} es «{name}»{shown}.")
        first.setdefault(name, row)


def _order(tables: Tables, census: Census) -> Iterator[Fault]:
    """Números de label.csv que bajan, y códigos de c_*.csv que ni siguen al anterior ni van antes que el siguiente."""
    for (before, above), (number, row) in pairwise(tables.labels.items()):
        if number < before:
            yield row.fault("número", f"«{row['name']}»: number: el {number} va después del {before}, de {above}.")
    for rows in tables.codes.values():
        codes = [0, *(grammar.integer(row["code"]) for row in rows.values()), len(rows) + 1]
        for before, code, after, row in zip(codes, codes[1:], codes[2:], rows.values()):
            if code is None or before != code - 1 and after != code + 1:
                yield row.fault("código", f"«{row['name']}»: code: «{row['code']}» rompe la cuenta 1, 2, 3…")


def _sums(tables: Tables, census: Census) -> Iterator[Fault]:
    """Etiquetas cuya `frequency` no es la suma de sus categorías."""
    for number, counts in tables.declared.items():
        row = tables.labels[number]
        if grammar.integer(row["frequency"]) != sum(counts.values()):
            yield row.fault("suma", f"número {number} «{row['name']}»: frequency dice «{row['frequency']}» y "
                                    f"«{row['category']}» suma {sum(counts.values())}.")


def _images(tables: Tables, census: Census) -> Iterator[Fault]:
    """Etiquetas que no están en tantas imágenes de una categoría según label.csv, c_*.csv y las máscaras."""
    pairs = [(category, number) for number, counts in tables.declared.items() for category in counts]
    pairs += [(category, number) for category in tables.columns for number in tables.codes.get(category, ())]
    for category, number in dict.fromkeys(pairs):
        label, coded = tables.labels.get(number), tables.codes.get(category, {}).get(number)
        counts: dict[str, str] = {}                             # cuántas dice cada lugar
        if number in tables.declared or tables.labels and not label:
            counts[str(label or "label.csv")] = str(tables.declared.get(number, {}).get(category, 0))
        if category in tables.codes:
            counts[str(coded or f"c_{category}.csv")] = coded["frequency"] if coded else "0"
        row, (low, high) = label or coded, census.images(category, number)
        count, *others = {grammar.integer(text) for text in counts.values()}
        if others or count is None or not low <= count <= high:
            kind = "imágenes" if others or count is None else "frecuencia" if count < low else "mayor"
            yield row.fault(kind, f"número {number} «{row['name']}», imágenes de {category}: "
                                  f"{_told(counts, low, high)}", kind == "mayor")


def _coverages(tables: Tables, census: Census) -> Iterator[Fault]:
    """Etiquetas que no cubren lo mismo según label.csv, c_*.csv y las máscaras (con 5 % y 0.1 imágenes de margen)."""
    for number, counts in tables.declared.items():
        label, total = tables.labels[number], _amount(tables.labels[number]["coverage"])
        codes = {name: rows[number] for name, rows in tables.codes.items() if name in counts and number in rows}
        parts = {name: _amount(row["coverage"]) for name, row in codes.items()}
        spans = {name: census.coverage(name, number) for name in counts}
        low, high = (sum(ends) for ends in zip(*spans.values()))
        measured = _near(total, low, high) and all(_near(part, *spans[name]) for name, part in parts.items())
        complete = parts.keys() == counts.keys()
        agreed = not complete or abs(total - sum(parts.values())) <= 3e-6 + 1e-5 * total
        if not (agreed and measured):
            kind = "medida" if agreed and complete else "cobertura"
            texts = {str(row): row["coverage"] for row in (label, *codes.values())}
            yield label.fault(kind, f"número {number} «{label['name']}», coverage: {_told(texts, low, high)}",
                              kind == "medida")


def _near(amount: float, low: float, high: float) -> bool:
    """Si una cobertura cae entre dos valores, con un margen de 5 % y de 0.1 imágenes; NaN, en ninguno."""
    return 0.95 * low - 0.1 <= amount <= 1.05 * high + 0.1


def _totals(tables: Tables, census: Census) -> Iterator[Fault]:
    """Renglones de category.csv que no concuerdan ni con label.csv ni con c_*.csv."""
    for name, row in tables.summary.items():
        in_labels = {number: counts[name] for number, counts in tables.declared.items() if name in counts}
        in_codes = {number: grammar.integer(coded["frequency"]) or 0
                    for number, coded in tables.codes.get(name, {}).items()}
        columns = grammar.CATEGORY_COLUMNS[1:]
        totals = [dict(zip(columns, (min(counts), max(counts), len(counts), sum(counts.values()))))
                  for counts in (in_labels, in_codes) if counts]
        numbers = {column: grammar.integer(row[column]) for column in columns}
        wrong = [column for column in columns if totals and numbers[column] not in [total[column] for total in totals]]
        pictures = census.pictures[name]
        if numbers["frequency"] in range(pictures, pictures + census.unread[name] + 1):
            wrong = [column for column in wrong if column != "frequency"]               # hay quien cuenta imágenes
        if wrong:
            shown = ", ".join(f"{column} «{row[column]}» y no {totals[0][column]}" for column in wrong)
            yield row.fault("total", f"«{name}»: dice {shown}, como sale de label.csv o de c_{name}.csv.")


def _told(texts: dict[str, str], low: float, high: float) -> str:
    """Lo que dice cada lugar y lo que se cuenta: «label.csv:12 dice 36; c_part.csv:4 dice 35; las máscaras, 35.»"""
    masks = "sin contar" if math.isinf(high) else f"{low:g}" + f" a {high:g}" * (low < high)
    return f"{'; '.join(f'{place} dice {text}' for place, text in texts.items())}; las máscaras, {masks}."


def _other_rules(faults: list[Fault], labels: int, images: int) -> list[Fault]:
    """Las fallas en orden; si más de un renglón de cada diez rompe una regla, la carpeta sigue otra: un solo aviso."""
    for kind, (file, message) in OTHER_RULES.items():
        same = [fault for fault in faults if fault.kind == kind]
        if same and (same[0].note or len(same) > max(3, (labels if file == "label.csv" else images) // 10)):
            others = [fault for fault in faults if fault.kind != kind]
            cases = "1 caso" if len(same) == 1 else f"{len(same)} casos"
            faults = [*others, Fault(file, 0, kind, f"{message} ({cases}; el primero, {same[0]})", True)]
    return sorted(faults, key=lambda fault: (fault.file, fault.line))

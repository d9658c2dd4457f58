"""Revisar una carpeta Broden: cada falla, una sola vez, en el renglón que la tiene.

Cada cifra está escrita en varios archivos y además se cuenta en las máscaras: se culpa a la que contradice a las demás.
Lo que no se pudo contar hace de la cuenta un intervalo: desde lo contado hasta lo contado más lo dañado.
"""
from difflib import get_close_matches
from pathlib import Path

from labkit.broden import format as grammar
from labkit.broden.evidence import Evidence, Fault, checked_rows, misplaced

UNKNOWN = 10 ** 9                                               # daños que no se pueden contar
OTHER_RULES = {
    "md5": ("index.csv", "las partes no se repartieron por el md5 de la ruta: la carpeta sigue otra regla."),
    "parte": ("index.csv", "las partes no son train y val."),
    "orden": ("index.csv", "los renglones no van por el md5 de la ruta: la carpeta sigue otro orden."),
    "modo": ("index.csv", "las máscaras no son PNG RGB de 8 bits; se leen convertidas."),
    "frecuencia": ("label.csv", "las cuentas no son las de estas máscaras: ¿es parte de un Broden más grande?"),
    "cobertura": ("label.csv", "las coberturas no son las de estas máscaras: ¿se midieron en otro tamaño?"),
}


def check_broden(folder: str | Path) -> list[Fault]:
    """Las fallas de una carpeta Broden, por archivo y renglón; ninguna si todo cuadra. Los avisos traen note=True.

    NotADirectoryError si la carpeta no existe.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise NotADirectoryError(f"No encuentro la carpeta {folder}.")
    return _Check(folder).run()


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _near(value: float, low: float, high: float) -> bool:
    """Si una cobertura cae entre dos valores, con un margen de 5 % y de 0.1 imágenes."""
    return low * 0.95 - 0.1 <= value <= high * 1.05 + 0.1


def _few(count: int, total: int) -> bool:
    """Si son tan pocas que son fallas y no otra regla: un reparto al azar rompe la del md5 en 4 de cada 10."""
    return count <= max(3, total // 4)


class _Check:
    """Lo que dice cada archivo de una carpeta y lo que se cuenta en ella."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.faults, index = folder, [], folder / "index.csv"
        header = next(grammar.read_rows(index), (1, 0, []))[2] if index.is_file() else []
        fixed = grammar.FIXED
        self.columns = [name for name in header if name not in fixed] if {*fixed} <= {*header} else []
        self.summary = list(checked_rows(folder / "category.csv", grammar.CATEGORY_COLUMNS, self.faults))
        self.labels: dict[int, dict[str, str]] = {}             # los renglones de label.csv, por su número,
        self.lines: dict[int, int] = {}                         # dónde están
        self.declared: dict[int, dict[str, int]] = {}           # y sus categorías: vacías si no se entienden
        self.misnamed: set[int] = set()                         # etiquetas con una falla ya dicha en el nombre
        self.codes: dict[str, dict[int, dict[str, str]]] = {}   # los renglones de c_*.csv
        self.settled: dict[str, dict[int, int]] = {}            # por categoría, las imágenes de cada etiqueta

    def run(self) -> list[Fault]:
        """Las fallas de todos los archivos."""
        self._read_labels()
        self._check_names()
        supported = {row["name"] for _, row, _ in self.summary}.union(*self.declared.values())
        categories = [name for name in self.columns if name in supported] or self.columns
        self.evidence = Evidence(self.folder, categories, self.faults)
        self.damaged = self.evidence.damaged
        self.damaged.update(dict.fromkeys(supported - {*categories}, UNKNOWN))
        if any((self.folder / f"c_{category}.csv").is_file() for category in categories):
            for category in categories:
                self._read_codes(category)
        elif categories:
            self._fault("c_*.csv", 0, "archivo", "no hay ninguno; las categorías se leen de label.csv.", True)
        self._check_numbers()
        for number, declared in self.declared.items():
            self._check_counts(number, declared)
        self._check_summary()
        return self._judged()

    def _fault(self, file: str, line: int, kind: str, message: str, note: bool = False) -> None:
        self.faults.append(Fault(file, line, kind, message, note))

    def _read_labels(self) -> None:
        """Lee label.csv; a un número que no puede ser lo sustituye el que sigue al anterior, para no culpar a otros."""
        rows = list(checked_rows(self.folder / "label.csv", grammar.LABEL_COLUMNS[:5], self.faults))
        numbers = [grammar.integer(row["number"]) for _, row, _ in rows]
        valid = [i for i, number in enumerate(numbers) if number and number <= grammar.MAX_NUMBER]
        late = {valid[j] for j in misplaced([numbers[i] - i for i in valid])}
        few, previous = _few(len(late), len(rows)), 0
        for i, (line, row, sound) in enumerate(rows):
            number = numbers[i]
            if i not in valid or i in late and (few or numbers.count(number) > 1):
                if sound:
                    self._fault("label.csv", line, "número", f"«{row['name']}»: number: esperaba un entero de 1 a "
                                f"{grammar.MAX_NUMBER}, en orden y sin repetir, y hay «{row['number']}».")
                number = previous + 1
                if number in numbers:
                    continue
            previous, self.labels[number], self.lines[number] = number, row, line
            self.declared[number] = self._declared(line, row) if sound else {}
            self.misnamed |= set() if sound else {number}

    def _declared(self, line: int, row: dict[str, str]) -> dict[str, int]:
        """La celda `category` de un renglón de label.csv; vacía, y su falla, si no se entiende."""
        found = [grammar.COUNTED.fullmatch(item) for item in row["category"].split(";")]
        known = {*self.columns, *(other["name"] for _, other, _ in self.summary)}
        if all(found) and (not known or {match[1] for match in found} <= known):
            return {match[1]: int(match[2]) for match in found}
        self._fault("label.csv", line, "categoría", f"«{row['name']}»: category: esperaba categoría(imágenes), con "
                    f"categorías de {', '.join(sorted(known))}, y hay «{row['category']}».")
        return {}

    def _check_names(self) -> None:
        bare = {}                                               # las que no llevan el sufijo que llevan las demás
        for category, suffix in grammar.SUFFIXES.items():
            members = [number for number, found in self.declared.items() if category in found]
            lacking = [number for number in members if not self.labels[number]["name"].endswith(suffix)]
            bare |= dict.fromkeys(lacking, suffix) if 2 * len(lacking) < len(members) else {}
        seen = {}
        for number, row in self.labels.items():
            name = row["name"]
            message = ("el nombre está vacío." if not name else f"ya se llama así el {seen[name]}." if name in seen else
                       f"esperaba «{name}{bare[number]}», con sufijo." if number in bare else "")
            if message and number not in self.misnamed:
                self._fault("label.csv", self.lines[number], "nombre", f"número {number} «{name}»: name: {message}")
                self.misnamed |= {number, seen.get(name, number)}
            seen.setdefault(name, number)

    def _read_codes(self, category: str) -> None:
        """Lee c_<categoría>.csv y compara sus códigos, números y nombres con label.csv."""
        file, told = f"c_{category}.csv", self.codes.setdefault(category, {})
        rows = list(checked_rows(self.folder / file, grammar.CODE_COLUMNS, self.faults))
        words = {word for _, row, _ in rows for word in (row["number"], row["name"])}
        absent = [number for number, found in self.declared.items()
                  if category in found and not {str(number), self.labels[number]["name"]} & words]
        for number in absent if rows else ():
            self._fault(file, 0, "ausente", f"falta el {number} «{self.labels[number]['name']}», que es de {category}.")
        steps = [(grammar.integer(row["code"]) or -UNKNOWN) - i for i, (_, row, _) in enumerate(rows, 1)]
        late = {*misplaced(steps), *(i for i, step in enumerate(steps) if not 0 <= step <= len(absent))}
        for i, (line, row, sound) in enumerate(rows):
            if sound and i in late and _few(len(late), len(rows)):
                self._fault(file, line, "código", f"«{row['name']}»: code: «{row['code']}» rompe la cuenta 1, 2, 3…")
            number = grammar.integer(row["number"])
            if sound and self._agrees(file, line, category, number, row):
                told[number] = {**row, "line": line}

    def _agrees(self, file: str, line: int, category: str, number: int | None, row: dict[str, str]) -> bool:
        """Si un renglón de c_*.csv habla de una etiqueta de label.csv; si no, y nadie lo ha dicho, lo anota."""
        label, used, kind = self.labels.get(number), (category, number) in self.evidence.first, ""
        if label is None and self.labels and not used:
            kind, message = "número", f"«{row['name']}»: number: el «{row['number']}» no está en label.csv."
        elif label and row["name"] != label["name"] and number not in self.misnamed:
            kind, message = "nombre", f"el {number} es «{row['name']}» y en label.csv «{label['name']}»."
            self.misnamed.add(number)
        elif label and self.declared[number] and category not in self.declared[number] and not used:
            kind, message = "categoría", f"el {number} «{row['name']}» no es de {category} según label.csv."
        if kind:
            self._fault(file, line, kind, message)
        return not kind

    def _check_numbers(self) -> None:
        """Los números que label.csv no tiene, o tiene en otra categoría: una falla por cada uno, no por cada imagen."""
        places: dict[tuple[int, str], list[tuple[int, str, str, int]]] = {}
        for (category, number), (line, image) in self.evidence.first.items() if self.labels else ():
            known, uses = number in self.labels, self.evidence.tally.images[category, number]
            if known and category in (self.declared[number] or {category}):
                continue
            places.setdefault((number, category if known else ""), []).append((line, image, category, uses))
            if number not in self.codes.get(category, ()) and (known or number > max(self.labels)):
                self.damaged[category] += uses                  # allí pudo ir otra etiqueta
        for (number, category), found in places.items():
            line, image, where, _ = min(found)
            what = f"«{self.labels[number]['name']}» no es de {category} según" if category else "no está en"
            self._fault("index.csv", line, "etiqueta", f"{image}: {where}: el número {number} {what} label.csv "
                        f"(aparece {sum(uses for *_, uses in found)} veces).")

    def _check_counts(self, number: int, declared: dict[str, int]) -> None:
        """Compara lo que label.csv y c_*.csv dicen de una etiqueta, entre sí y con lo contado."""
        row, tally, name = self.labels[number], self.evidence.tally, f"{number} «{self.labels[number]['name']}»"
        coded = {category: rows[number] for category, rows in self.codes.items() if number in rows}
        counts = {category: grammar.integer(found["frequency"]) for category, found in coded.items()}
        frequency, total, counted = grammar.integer(row["frequency"]), sum(declared.values()), 0
        for category, count in declared.items():
            low = tally.images[category, number]
            high, rest, said = low + self.damaged[category], (frequency or 0) - total + count, counts.get(category)
            counted += low
            right = low <= count <= high and count in (low, rest, said)
            self.settled.setdefault(category, {})[number] = count if right else said or low
            if not right:
                self._fault("label.csv", self.lines[number], "frecuencia",
                            f"{name}: category: dice {category}({count}) y se cuentan {low}.")
            if category in coded and said != count and not (said in (low, rest) and low <= said <= high):
                self._fault(f"c_{category}.csv", coded[category]["line"], "cuenta",
                            f"{name}: frequency: dice «{coded[category]['frequency']}» y se cuentan {low}.")
        if declared and frequency not in (total, counted, sum(count or 0 for count in counts.values())):
            self._fault("label.csv", self.lines[number], "frecuencia",
                        f"{name}: frequency: dice «{row['frequency']}» y se cuentan {counted}.")
        covers = {category: _real(found["coverage"]) for category, found in coded.items()}
        self._check_coverage(number, declared, covers)

    def _check_coverage(self, number: int, declared: dict[str, int], coded: dict[str, float]) -> None:
        """Lo mismo con la cobertura: si las tablas no concuerdan, se culpa a la que está más lejos de lo medido."""
        name = f"{number} «{self.labels[number]['name']}»: coverage: dice"
        measured = {category: float(self.evidence.tally.coverage[category, number]) for category in declared}
        said, low = _real(self.labels[number]["coverage"]), sum(measured.values())
        written = sum(coded.values()) if coded.keys() >= declared.keys() else said
        agree, lead = _near(written, said, said), abs(said - low) - abs(written - low)
        inside = _near(said, low, low + sum(self.damaged[category] for category in declared))
        if declared and (not inside or not agree and lead > 0):
            self._fault("label.csv", self.lines[number], "cobertura", f"{name} «{said:g}» y se mide {low:.6g}.")
        for category in declared.keys() & coded.keys() if not agree else ():
            part = measured[category]
            if not _near(coded[category], part, part + self.damaged[category]) or lead < 0 and len(coded) == 1:
                self._fault(f"c_{category}.csv", self.codes[category][number]["line"], "cubierta",
                            f"{name} {coded[category]:g} y se mide {part:.6g}.")

    def _check_summary(self) -> None:
        """Compara category.csv con las demás tablas y con lo contado: basta que concuerde con una cosa."""
        names = [row["name"] for _, row, _ in self.summary]
        extra = [name for name in self.columns if name not in names] if self.summary else []
        for line, row, sound in self.summary:
            if row["name"] not in self.columns and self.columns:
                close = get_close_matches(row["name"], extra, 1, 0.5)
                extra = [name for name in extra if name not in close]
                hint = f"; ¿es «{close[0]}»?" if close else "."
                self._fault("category.csv", line, "categoría", f"«{row['name']}»: index.csv no tiene esa columna{hint}")
            elif sound:
                self._check_totals(line, row)
        for name in extra:
            self._fault("category.csv", 0, "categoría", f"falta el renglón de «{name}», que es columna de index.csv.")

    def _check_totals(self, line: int, row: dict[str, str]) -> None:
        name = row["name"]
        coded = {number: grammar.integer(found["frequency"]) or 0 for number, found in self.codes.get(name, {}).items()}
        counted = {number: count for (category, number), count in self.evidence.tally.images.items()
                   if category == name and (number in self.labels or number in coded)}
        sources = [source for source in (coded | self.settled.get(name, {}), counted) if source]
        for column, measure in (("first", min), ("last", max), ("count", len), ("frequency", None)):
            expected = [measure(source) if measure else sum(source.values()) for source in sources]
            if expected and grammar.integer(row[column]) not in expected:
                self._fault("category.csv", line, "cuenta",
                            f"«{name}»: {column}: dice «{row[column]}» y debe ser {expected[0]}.")

    def _judged(self) -> list[Fault]:
        """Las fallas en orden; las de una regla que la carpeta no sigue, en un solo aviso."""
        totals = {"modo": self.evidence.masks, "frecuencia": len(self.labels), "cobertura": len(self.labels)}
        for kind, (file, message) in OTHER_RULES.items():
            count, total = sum(fault.kind == kind for fault in self.faults), totals.get(kind, self.evidence.rows)
            if not _few(count, total):
                self.faults = [fault for fault in self.faults if fault.kind != kind]
                self._fault(file, 0, kind, f"{message} ({count} casos)", True)
        return sorted(self.faults, key=lambda fault: (fault.file, fault.line))

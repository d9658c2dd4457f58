"""Revisar una carpeta Broden: cada falla, una sola vez, en el renglón que la tiene.

Cada cifra está escrita en varios archivos y además se cuenta en las máscaras: se culpa a la que contradice a las demás.
"""
import warnings
from difflib import get_close_matches
from pathlib import Path

from labkit.broden import format as grammar
from labkit.broden.evidence import UNKNOWN, Evidence, Fault, checked_rows, misplaced
from labkit.broden.figures import Figures, Row, amount

OTHER_RULES = {
    "md5": ("index.csv", "las partes no se repartieron por el md5 de la ruta: la carpeta sigue otra regla."),
    "parte": ("index.csv", "las partes no son train y val."),
    "orden": ("index.csv", "los renglones no van por el md5 de la ruta: la carpeta sigue otro orden."),
    "modo": ("index.csv", "las máscaras no son PNG RGB de 8 bits; se leen convertidas."),
    "frecuencia": ("label.csv", "las cuentas no son las de estas máscaras: ¿es parte de un Broden más grande?"),
    "cobertura": ("label.csv", "las coberturas no son las de estas máscaras: ¿se midieron en otro tamaño?"),
    "mayor": ("label.csv", "en las máscaras hay menos: ¿se contó antes de reducirlas, o en un Broden más grande?"),
    "medida": ("label.csv", "las tablas concuerdan en otras coberturas: ¿se midieron en otro tamaño?"),
    "imágenes": ("category.csv", "frequency cuenta imágenes y no parejas de imagen y etiqueta."),
}


def check_broden(folder: str | Path) -> list[Fault]:
    """Las fallas de una carpeta Broden, por archivo y renglón; ninguna si todo cuadra. Los avisos traen note=True.

    NotADirectoryError si la carpeta no existe.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} es un archivo y esperaba una carpeta." if folder.is_file() else
                                 f"No encuentro la carpeta {folder}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                         # las de Pillow, en inglés
        return _Check(folder).run()


def _few(count: int, total: int) -> bool:
    """Si son tan pocas que son fallas y no otra regla: un reparto al azar rompe la del md5 en 4 de cada 10."""
    return count <= max(3, total // 4)


class _Check:
    """Lo que dice cada archivo de una carpeta y lo que se cuenta en ella."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.faults, index = folder, [], folder / "index.csv"
        header = next(grammar.read_rows(index), (1, 0, []))[2] if index.is_file() else []
        header = [name for name in header if name]
        whole = {*grammar.FIXED} <= {*header} and len({*header}) == len(header)
        self.columns = [name for name in header if name not in grammar.FIXED] if whole else []
        self.summary = list(checked_rows(folder / "category.csv", grammar.CATEGORY_COLUMNS, self.faults))
        self.coded = {path.stem[2:] for path in folder.glob("c_*.csv")}         # las categorías con su tabla
        self.labels: dict[int, Row] = {}                        # los renglones de label.csv, por su número,
        self.declared: dict[int, dict[str, int]] = {}           # y sus categorías: vacías si no se entienden
        self.misnamed: set[int] = set()                         # etiquetas con una falla ya dicha en el nombre
        self.gone: set[int] = set()                             # números que se usan y cuyo renglón se borró
        self.sheets: dict[str, list[tuple[int, dict[str, str], bool]]] = {}      # las c_*.csv, como están
        self.codes: dict[str, dict[int, Row]] = {}              # los renglones de c_*.csv
        self.settled: dict[str, dict[int, int]] = {}            # por categoría, las imágenes de cada etiqueta

    def run(self) -> list[Fault]:
        """Las fallas de todos los archivos."""
        self._read_labels()
        supported = {row["name"] for _, row, _ in self.summary}.union(*self.declared.values())
        categories = [name for name in self.columns if name in supported] or self.columns
        self.evidence = Evidence(self.folder, categories, self.faults)
        self.damaged = self.evidence.damaged
        self.damaged.update(dict.fromkeys(supported - {*categories}, UNKNOWN))
        if self.coded & {*categories}:
            self.sheets = {name: list(checked_rows(self.folder / f"c_{name}.csv", grammar.CODE_COLUMNS, self.faults))
                           for name in categories}
        elif categories:
            self._fault("c_*.csv", 0, "archivo", "no hay ninguno; las categorías se leen de label.csv.", True)
        self._check_labels()
        self._check_names()
        for category in self.sheets:
            self._check_codes(category)
        self._check_numbers()
        figures = Figures(self.evidence, self.labels, self.codes, self._fault)
        for number, declared in self.declared.items():
            for category, count in figures.check(number, declared).items():
                self.settled.setdefault(category, {})[number] = count
        self._check_summary()
        return self._judged()

    def _fault(self, file: str, line: int, kind: str, message: str, note: bool = False) -> None:
        self.faults.append(Fault(file, line, kind, message, note))

    def _read_labels(self) -> None:
        """Lee label.csv; a un número que no puede ser lo sustituye el que sigue al anterior, para no culpar a otros."""
        rows = list(checked_rows(self.folder / "label.csv", grammar.LABEL_COLUMNS[:5], self.faults))
        if rows and "syns" not in rows[0][1]:
            self._fault("label.csv", 1, "columna", "falta la columna «syns»: se lee sin sinónimos.", True)
        numbers = [grammar.integer(row["number"]) for _, row, _ in rows]
        valid = [i for i, number in enumerate(numbers) if number and number <= grammar.MAX_NUMBER]
        late = {valid[j - 1] for j in misplaced([1, *(numbers[i] - i for i in valid)]) if j}
        few, previous = _few(len(late), len(rows)), 0
        for i, (line, row, sound) in enumerate(rows):
            number = numbers[i]
            if i not in valid or i in late and (few or numbers.count(number) > 1):
                if sound:
                    self._fault("label.csv", line, "número", f"«{row['name']}»: number: esperaba un entero de 1 a "
                                f"{grammar.MAX_NUMBER}, en orden y sin repetir, y hay «{row['number']}».")
                number = previous + 1
                twin = self.labels.get(numbers[i])              # el renglón entero está dos veces
                if number in numbers or twin and twin["name"] == row["name"]:
                    continue
            previous, self.labels[number] = number, {**row, "line": line}
            self.declared[number] = self._declared(line, row) if sound else {}
            self.misnamed |= set() if sound else {number}

    def _declared(self, line: int, row: dict[str, str]) -> dict[str, int]:
        """La celda `category` de un renglón de label.csv; vacía, y su falla, si no se entiende."""
        found = [grammar.COUNTED.fullmatch(item) for item in row["category"].split(";")]
        known = {*self.columns, *(other["name"] for _, other, _ in self.summary), *self.coded}
        if all(found) and (not known or {match[1] for match in found} <= known):
            return {match[1]: int(match[2]) for match in found}
        self._fault("label.csv", line, "categoría", f"«{row['name']}»: category: esperaba categoría(imágenes), con "
                    f"categorías de {', '.join(sorted(known))}, y hay «{row['category']}».")
        return {}

    def _check_labels(self) -> None:
        """Lo que de una etiqueta sólo dice label.csv: su nombre, una categoría de más o de menos, o que no está."""
        first, coded = self.evidence.first, {}                  # número → categoría → nombre, según c_*.csv
        for category, rows in self.sheets.items():
            for _, row, _ in rows:
                coded.setdefault(grammar.integer(row["number"]), {})[category] = row["name"]
        for number, declared in self.declared.items():
            row, told = self.labels[number], coded.get(number, {})
            shaky = grammar.integer(row["frequency"]) != sum(declared.values())
            more = [name for name, count in declared.items() if self.sheets.get(name) and name not in told
                    and (name, number) not in first and (count > self.damaged[name] or shaky)
                    and row["name"] not in [other["name"] for _, other, _ in self.sheets[name]]]
            less = [name for name in told if declared and name not in declared and (name, number) in first]
            if more or less:
                self._fault("label.csv", row["line"], "categoría", f"{number} «{row['name']}»: category: dice "
                            f"«{row['category']}» y en index.csv y c_*.csv es de {', '.join(told) or 'ninguna'}.")
                self.declared[number] = {}
            other = {*told.values()}
            if len(told) > 1 and len(other) == 1 and row["name"] not in other and number not in self.misnamed:
                self._fault("label.csv", row["line"], "nombre",
                            f"el {number} es «{row['name']}» y en c_*.csv «{min(other)}».")
                self.misnamed.add(number)
        indexed, known = {number for _, number in first}, {0, *self.labels}
        self.gone = {number for number in (indexed | coded.keys()) - known - {None} if self.labels
                     and (number in indexed and number in coded or {number - 1, number + 1} <= known)}
        for number in sorted(self.gone):
            line = min((row["line"] for other, row in self.labels.items() if other > number),
                       default=1 + max(row["line"] for row in self.labels.values()))
            name = next(iter(coded.get(number, {"": ""}).values()))
            self._fault("label.csv", line, "ausente", f"falta el renglón del número {number} «{name}», que sí se usa.")

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
            if message and not {number, seen.get(name, number)} & self.misnamed:
                self._fault("label.csv", row["line"], "nombre", f"número {number} «{name}»: name: {message}")
                self.misnamed |= {number, seen.get(name, number)}
            seen.setdefault(name, number)

    def _check_codes(self, category: str) -> None:
        """Compara los códigos, números y nombres de c_<categoría>.csv con label.csv."""
        file, told, rows = f"c_{category}.csv", self.codes.setdefault(category, {}), self.sheets[category]
        words = {word for _, row, _ in rows for word in (row["number"], row["name"])}
        absent = [number for number, found in self.declared.items()
                  if found.get(category) and not {str(number), self.labels[number]["name"]} & words]
        for number in absent if rows or file not in [fault.file for fault in self.faults] else ():
            self._fault(file, 0, "ausente", f"falta el {number} «{self.labels[number]['name']}», que es de {category}.")
        steps = [(grammar.integer(row["code"]) or -UNKNOWN) - i for i, (_, row, _) in enumerate(rows, 1)]
        late = {*(i - 1 for i in misplaced([0, *steps]) if i)}
        late |= {i for i, step in enumerate(steps) if not 0 <= step <= len(absent)}
        for i, (line, row, sound) in enumerate(rows):
            if sound and i in late and _few(len(late), len(rows)):
                self._fault(file, line, "código", f"«{row['name']}»: code: «{row['code']}» rompe la cuenta 1, 2, 3…")
            for column, read in (("frequency", grammar.integer), ("coverage", amount)) if sound else ():
                if read(row[column]) is None:
                    self._fault(file, line, "cifra", f"«{row['name']}»: {column}: no entiendo «{row[column]}».")
            number = grammar.integer(row["number"])
            if sound and self._agrees(file, line, category, number, row):
                told[number] = {**row, "line": line}

    def _agrees(self, file: str, line: int, category: str, number: int | None, row: dict[str, str]) -> bool:
        """Si un renglón de c_*.csv habla de una etiqueta de label.csv; si no, y nadie lo ha dicho, lo anota."""
        label, used, kind = self.labels.get(number), (category, number) in self.evidence.first, ""
        if label is None and self.labels and not used and number not in self.gone:
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
        """Los números que label.csv no tiene, o tiene en otra categoría: una falla por máscara, no por cada uno."""
        found: dict[int, tuple[int, str, str]] = {}             # dónde se vio primero: renglón, imagen y columna
        for (category, number), (line, image) in self.evidence.first.items() if self.labels else ():
            known = number in self.labels
            if number in self.gone or known and category in (self.declared[number] or {category}):
                continue
            found[number] = min(found.get(number, (line, image, category)), (line, image, category))
            if number not in self.codes.get(category, ()) and (known or number > max(self.labels)):
                self.damaged[category] += self.evidence.tally.images[category, number]          # allí pudo ir otra
        for place in sorted({*found.values()}):
            numbers, (line, image, category) = [number for number in found if found[number] == place], place
            self.evidence.foreign[category] += 1
            shown = ", ".join(map(str, numbers[:5])) + ("…" if len(numbers) > 5 else "")
            told = f"el número {shown} no es" if len(numbers) == 1 else f"los números {shown} no son"
            self._fault("index.csv", line, "etiqueta", f"{image}: {category}: {told} de {category} según label.csv.")

    def _check_summary(self) -> None:
        """Compara category.csv con las demás tablas y con lo contado: basta que concuerde con una cosa."""
        names = [row["name"] for _, row, _ in self.summary]
        used = {name for found in self.declared.values() for name in found}
        backed = used & self.coded | used & {*names} | self.coded & {*names}
        extra = [name for name in self.columns if name not in names and name in self.evidence.filled] if names else []
        for name in dict.fromkeys([*names, *sorted(backed)]) if self.columns else ():
            if name not in self.columns:
                close = get_close_matches(name, [column for column in self.columns if column not in names], 1, 0.5)
                extra = [column for column in extra if column not in close]
                hint = f"; ¿es «{close[0]}»?" if close else "."
                if name in backed:
                    self._fault("index.csv", 1, "columna", f"falta la columna «{name}», que usan otras tablas{hint}")
                else:
                    line = self.summary[names.index(name)][0]
                    self._fault("category.csv", line, "categoría", f"«{name}»: index.csv no tiene esa columna{hint}")
        for i, (line, row, sound) in enumerate(self.summary):
            if row["name"] in names[:i]:
                self._fault("category.csv", line, "repetida", f"«{row['name']}» ya salió en otro renglón.")
            elif sound and row["name"] in (self.columns or names):
                self._check_totals(line, row)
        for name in extra:
            self._fault("category.csv", 0, "categoría", f"falta el renglón de «{name}», que es columna de index.csv.")

    def _check_totals(self, line: int, row: dict[str, str]) -> None:
        name = row["name"]
        coded = {number: grammar.integer(found["frequency"]) or 0 for number, found in self.codes.get(name, {}).items()}
        counted = {number: count for (category, number), count in self.evidence.tally.images.items()
                   if category == name and (number in self.labels or number in coded)}
        pictures = all(grammar.integer(other["frequency"]) == self.evidence.pictures[other["name"]]
                       for _, other, _ in self.summary)
        told = coded | self.settled.get(name, {})
        sources = [source for source in (told, counted) if source and (source is told or source.keys() != told.keys())]
        for column, measure in (("first", min), ("last", max), ("count", len), ("frequency", None)):
            expected = [measure(source) if measure else sum(source.values()) for source in sources]
            if expected and grammar.integer(row[column]) not in expected:
                note = pictures and measure is None
                self._fault("category.csv", line, "imágenes" if note else "cuenta",
                            f"«{name}»: {column}: dice «{row[column]}» y debe ser {expected[0]}.", note)

    def _judged(self) -> list[Fault]:
        """Las fallas en orden; las de una regla que la carpeta no sigue, en un solo aviso."""
        totals = {"modo": self.evidence.masks, "frecuencia": len(self.labels), "cobertura": len(self.labels)}
        for kind, (file, message) in OTHER_RULES.items():
            same, total = [fault for fault in self.faults if fault.kind == kind], totals.get(kind, self.evidence.rows)
            if same and (same[0].note or not _few(len(same), total)):
                self.faults = [fault for fault in self.faults if fault.kind != kind]
                self._fault(file, 0, kind, f"{message} ({len(same)} {'caso' if len(same) == 1 else 'casos'})", True)
        return sorted(self.faults, key=lambda fault: (fault.file, fault.line))
